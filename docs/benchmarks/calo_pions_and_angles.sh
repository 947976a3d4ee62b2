#!/usr/bin/env bash
# Pions of 10 to 80 GeV: linearity and width as deposited and as read out, and how much of a shower
# cores of 9 to 25 cells hold. Photons at 30 to 90 degrees: visible energy against the angle.
#
# Half an hour of a core with Geant4, an hour with the training. What is finished is left alone: run it
# again to go on.
#   OUT      where everything goes                         (runs/calo-pions-and-angles)
#   SOURCE   geant4 (extra geant4 and GEANT4_DATA_DIR), or gflash to try the script  (geant4)
#   PIONS    pions that are judged, and as many that calibrate   (1200)
#   PHOTONS  photons that wgan-lite learns from            (12000)
#   JUDGED   photons that are judged                       (4000)
#   STEPS    updates of wgan-lite, of all its networks     (15000)
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/calo-pions-and-angles} SOURCE=${SOURCE:-geant4} PIONS=${PIONS:-1200}
PHOTONS=${PHOTONS:-12000} JUDGED=${JUDGED:-4000} STEPS=${STEPS:-15000}
export OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED OPTION...
  local file=$OUT/$1.h5 events=$2 seed=$3
  shift 3
  [ -e "$file" ] || "$ZOO" data simulate calo --data "$SOURCE" --events "$events" --seed "$seed" \
    --out "$file" "${@/#/--set=data.options.}"
}

mkdir -p "$OUT"
pions=(detector=ahcal particle=pi+ 'energies_gev=[10.0,20.0,40.0,80.0]')
simulate pions-training "$PIONS" 1 "${pions[@]}"
simulate pions "$PIONS" 2 "${pions[@]}"
# Photodetectors of 2,668 pixels, 15 of which a MIP fires.
"$ZOO" calo resolution calo/gflash --data "$OUT/pions.h5" --training "$OUT/pions-training.h5" \
  --pixels 2668 --photoelectrons 15 --out "$OUT/pions-resolution"
"$ZOO" calo judge calo/gflash --data "$OUT/pions.h5" --training "$OUT/pions-training.h5" \
  --no-classifiers --out "$OUT/pions-judged" # core-scan.csv: energy and hits in cores

angles=(detector=ild-ecal-angled pool=2 'theta_deg=[30.0,90.0]' 'energy_gev=[1.0,10.0]')
simulate photons-training "$PHOTONS" 3 "${angles[@]}"
simulate photons "$JUDGED" 4 "${angles[@]}"
"$ZOO" train calo/wgan-lite --recipe better --data "$OUT/photons-training.h5" --out "$OUT/lite" \
  --set model.angle=true --set "training.steps=$STEPS" --set training.validate_every=$((STEPS / 5)) \
  --set training.snapshot_every=$((STEPS / 5))
for model in calo/gflash "$OUT/lite"; do # angle-response.csv
  "$ZOO" calo judge "$model" --data "$OUT/photons.h5" --training "$OUT/photons-training.h5" \
    --no-classifiers --out "$OUT/judged-$(basename "$model")"
done

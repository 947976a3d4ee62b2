#!/usr/bin/env bash
# Photons of 1 to 10 GeV in 30 x 10 x 10 cells: three generators trained on Geant4 showers, their
# snapshots chosen on sample A and judged on sample B at 2, 5 and 8 GeV, beside the parametrisation
# and Geant4 against itself; and what a shower costs.
#
# A day of a core at full size. What is finished is left alone: run it again to go on.
#   OUT      where everything goes                        (runs/calo-comparison)
#   SOURCE   geant4 (extra geant4 and GEANT4_DATA_DIR), or gflash to try the script  (geant4)
#   PHOTONS  showers that the networks learn from          (50000)
#   FIXED    showers of A and of B                         (9000)
#   MODELS   trained one after another                     (wgan-lite wgan wgan-lo)
#   LITE     updates of wgan-lite, of all its networks     (25000)
#   STEPS    updates of the others                         (50000)
set -euo pipefail
ZOO=${ZOO:-zoo} PYTHON=${PYTHON:-python} OUT=${OUT:-runs/calo-comparison} SOURCE=${SOURCE:-geant4} PHOTONS=${PHOTONS:-50000}
FIXED=${FIXED:-9000} MODELS=${MODELS:-wgan-lite wgan wgan-lo} LITE=${LITE:-25000} STEPS=${STEPS:-50000}
export OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED OPTION: square cells of 3 x 3
  [ -e "$OUT/$1.h5" ] || "$ZOO" data simulate calo --data "$SOURCE" --events "$2" --seed "$3" \
    --set data.options.pool=3 --set "$4" --out "$OUT/$1.h5"
}

steps() { # MODEL
  if [ "$1" = wgan-lite ]; then echo "$LITE"; else echo "$STEPS"; fi
}

train() { # MODEL: rates fall to nothing; wgan-lite needs no constrainer, its head knows the energy
  local settings=(--recipe reduced) every=$(($(steps "$1") / 10))
  [ "$1" = wgan-lite ] && settings=(--recipe better --set model.constrainer_updates=0
    --set optimizers.critic.schedule.kind=cosine --set optimizers.generator.schedule.kind=cosine)
  "$ZOO" train "calo/$1" "${settings[@]}" --data "$OUT/photons.h5" --out "$OUT/$1" \
    --set "training.steps=$(steps "$1")" --set "training.snapshot_every=$every" \
    --set "training.validate_every=$every"
}

mkdir -p "$OUT"
simulate photons "$PHOTONS" 1 'data.options.energy_gev=[1.0,10.0]'
simulate A "$FIXED" 101 'data.options.energies_gev=[2.0,5.0,8.0]'
simulate B "$FIXED" 102 'data.options.energies_gev=[2.0,5.0,8.0]'
judged=()
for model in $MODELS; do
  train "$model"
  chosen=$OUT/$model-chosen.safetensors
  [ -e "$chosen" ] || "$ZOO" select "$OUT/$model" --data "$OUT/A.h5" --split all \
    --report-data "$OUT/B.h5" --report-split all --by "corrected JS" --resamples 200 --out "$chosen"
  judged+=("$chosen" "$OUT/$model@$(steps "$model")") # chosen, and the last
done
[ -e "$OUT/judged/results.json" ] || "$ZOO" eval "${judged[@]}" --data "$OUT/B.h5" --split all \
  --training "$OUT/A.h5" --resamples 200 --out "$OUT/judged"
"$ZOO" report "$OUT/judged"
for model in $MODELS; do
  [ -e "$OUT/$model-samples/results.json" ] || "$ZOO" calo judge "$OUT/$model-chosen.safetensors" \
    --data "$OUT/B.h5" --out "$OUT/$model-samples"
done

# What a shower costs on one core, for every way to run a network.
chosen=()
for model in $MODELS; do chosen+=("$model=$OUT/$model-chosen.safetensors"); done
[ -e "$OUT/bench/bench.json" ] || "$ZOO" bench "${chosen[@]}" calo/gflash --data "$OUT/B.h5" \
  --batch 1,10,100 --runtime eager,compiled,onnx --out "$OUT/bench"
"$PYTHON" "$(dirname "$0")/calo_pareto.py" "$OUT"

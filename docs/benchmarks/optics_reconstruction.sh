#!/usr/bin/env bash
# Points and tracks from light in the WCTE: a network, a table and the closed form, filled and
# trained with the same flashes, fit the same events of the photon Monte Carlo.
#
# Half an hour. What is finished is left alone: run it again to go on after any stop.
#   GEOMETRY  file of the sensors              ($DETECTOR_ZOO_DATA/optics/wcte/wcte_design_geometry.npz)
#   OUT       where everything goes                      (runs/optics-reconstruction)
#   FLASHES   of 30,000 photons that the models learn from, of which 80 % train  (3000)
#   STEPS     of the training                            (1500)
#   EVENTS    flashes, and tracks, that are fitted       (120)
#   MODELS    classical models beside siren-prior        ("lut analytic")
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/optics-reconstruction} FLASHES=${FLASHES:-3000} STEPS=${STEPS:-1500}
EVENTS=${EVENTS:-120} MODELS=${MODELS:-lut analytic}
GEOMETRY=${GEOMETRY:-${DETECTOR_ZOO_DATA:-../shared/data}/optics/wcte/wcte_design_geometry.npz}
export OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED PHOTONS [OPTION...]
  local file=$OUT/$1.h5 events=$2 seed=$3 photons=$4
  shift 4
  [ -e "$file" ] || "$ZOO" data simulate optics --data cherenkov --events "$events" \
    --seed "$seed" --out "$file" --set "data.options.photons=$photons" \
    --set "data.options.tank.geometry=$GEOMETRY" --set data.options.tank.radius_cm=154 \
    --set data.options.tank.half_height_cm=135 --set data.options.surfaces.efficiency=0.3 \
    --set data.options.surfaces.wall_reflectivity=0.14 \
    --set 'data.options.wavelength_nm=[350,500]' "$@"
}

fit() { # COMMAND MODEL [OPTION...]: once
  local out=$OUT/$1-$(basename "$2").json
  [ -e "$out" ] && return
  "$ZOO" optics "$@" --json > "$out.part"
  mv "$out.part" "$out"
}

mkdir -p "$OUT"
simulate training "$FLASHES" 1 '[30000,30000]'
simulate flashes "$EVENTS" 12 '[3000,30000]' --set data.options.dark_khz=1
simulate tracks "$EVENTS" 13 '[10000,30000]' --set data.options.dark_khz=1 \
  --set data.options.emission=track --set data.options.track_cm=100

"$ZOO" train optics/siren-prior --data "$OUT/training.h5" --recipe better --out "$OUT/siren-prior" \
  --set training.batch=16 --set "training.steps=$STEPS" --set "training.validate_every=$((STEPS / 5))" \
  --set data.test=0.0

for what in vertex:flashes track:tracks; do
  fit "fit-${what%:*}" "$OUT/siren-prior" --data "$OUT/${what#*:}.h5"
  for model in $MODELS; do
    fit "fit-${what%:*}" "optics/$model" --training "$OUT/training.h5" --data "$OUT/${what#*:}.h5"
  done
done

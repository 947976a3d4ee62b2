#!/usr/bin/env bash
# The trainings of the OpticSiren talk: 2 and 125 positions, three losses, light to all sides and on
# a cone (where the network sees the direction), at equal optimiser steps; judged where they were
# trained, on fresh noise, and at positions that they never saw.
#
# Many hours at full size. What is finished is left alone: run it again to go on after any stop.
#   OUT       where everything goes                      (runs/optics-positions)
#   FLASHES   of every position in the training          (10)
#   UNSEEN    positions of the second judgement          (1000)
#   STEPS     optimiser steps of every training          (5000)
#   SENSORS   that a step sees of each flash; 0: all     (1000)
#   FREQUENCY omega_0 of its sines; the SIREN paper has 30   (8)
#   MODEL     network of all                             (siren-pair)
#   UPDATES   batches of an update: a number, or epoch   ("1 epoch")
#   LOSSES    ("poisson mse log-l2")
#   LIGHTS    ("isotropic cone")
#   SETS      numbers of positions                       ("2 125")
#   TANK      options of the tank, --set and all         (empty: the talk's 9,946 sensors)
#   JOBS      trainings at a time, one thread each       (1)
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/optics-positions} FLASHES=${FLASHES:-10} UNSEEN=${UNSEEN:-1000}
STEPS=${STEPS:-5000} SENSORS=${SENSORS:-1000} FREQUENCY=${FREQUENCY:-8} UPDATES=${UPDATES:-1 epoch} LOSSES=${LOSSES:-poisson mse log-l2}
MODEL=${MODEL:-siren-pair} LIGHTS=${LIGHTS:-isotropic cone} SETS=${SETS:-2 125} TANK=${TANK:-} JOBS=${JOBS:-1}
export ZOO OUT STEPS SENSORS FREQUENCY MODEL OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED LIGHT [OPTION...]
  local file=$1 events=$2 seed=$3 light=$4
  shift 4
  # shellcheck disable=SC2086  # TANK is a list
  [ -e "$OUT/$file.h5" ] || "$ZOO" data simulate optics --data cherenkov --events "$events" \
    --seed "$seed" --out "$OUT/$file.h5" --set "data.options.photons=[10000,10000]" \
    --set "data.options.emission=$light" $TANK "$@"
}

train() { # SET LIGHT LOSS UPDATE: batches of five flashes, as in the talk
  local name=$1-$2-$3-$4 direction=false
  [ "$2" = isotropic ] || direction=true
  "$ZOO" train "optics/$MODEL" --data "$OUT/$1-$2.h5" --recipe better --out "$OUT/$name" \
    --set "model.loss=$3" --set "model.direction=$direction" --set "model.frequency=$FREQUENCY" \
    --set "model.sensors_per_step=$SENSORS" --set training.batch=5 \
    --set "training.accumulate=$4" --set "training.steps=$STEPS" \
    --set "training.validate_every=$((STEPS / 5))" --set data.test=0.0 --set engine.chunk=2048
}
export -f train

judge() { # FOLDER DATA RUN...: once
  local folder=$1 data=$2
  shift 2
  [ -e "$folder/results.json" ] || "$ZOO" eval "$@" --data "$data" --split all --out "$folder"
  "$ZOO" report "$folder"
}

mkdir -p "$OUT"
for light in $LIGHTS; do
  simulate "unseen-$light" "$UNSEEN" 33 "$light"
  for set in $SETS; do
    rings=(--set data.options.positions.kind=rings)
    [ "$set" != 2 ] || rings+=(--set "data.options.positions.heights_cm=[0,125]" # as recipe talk-2
      --set "data.options.positions.radii_cm=[0]" --set "data.options.positions.divisions=[1]")
    simulate "$set-$light" $((set * FLASHES)) 31 "$light" "${rings[@]}"
    simulate "$set-$light-fresh" $((set * FLASHES)) 32 "$light" "${rings[@]}"
  done
done

for set in $SETS; do for light in $LIGHTS; do for loss in $LOSSES; do for update in $UPDATES; do
  echo "$set $light $loss $update"
done; done; done; done | xargs -P "$JOBS" -L 1 bash -c 'train "$@"' train

for set in $SETS; do
  for light in $LIGHTS; do
    runs=()
    for loss in $LOSSES; do
      for update in $UPDATES; do runs+=("$OUT/$set-$light-$loss-$update"); done
    done
    judge "$OUT/fresh-$set-$light" "$OUT/$set-$light-fresh.h5" "${runs[@]}"
    judge "$OUT/unseen-$set-$light" "$OUT/unseen-$light.h5" "${runs[@]}"
  done
done

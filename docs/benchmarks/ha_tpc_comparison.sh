#!/usr/bin/env bash
# Networks against the classical fit and the oracle: trained on the gun from the face of the plane,
# judged by length and momentum; other spectra of momentum; the targets of the ResNet talk.
#
# The networks learn from tracks whose density falls as p_t^-2: as many for every curvature, as a fit
# believes. So they answer where a track says little as a fit does, and not with what tracks usually
# have; they are judged on others, uniform in p_t. cluster-net from the fits learns from 0.08 GeV/c on,
# the others from 0.15.
#
# Five hours of a core at full size. What is finished is left alone: run it again to go on.
#   OUT       where everything goes                        (runs/ha-tpc-comparison)
#   TRAINING  tracks that the networks learn from, of which 90 % train   (60000)
#   TEST      tracks that the judgement is taken from      (140000)
#   CELL      of each cell by length and momentum, at most (2200)
#   OTHERS    tracks of every other judgement              (20000)
#   RESNET    epochs of resnet18; 0: none                  (6)
#   FIT, CHARGES, DIRECT  epochs of cluster-net from the fit, from charge-fit, direct  (8, 3, 12)
#   TALK      epochs for other spectra and the targets of the talk  (2)
set -euo pipefail
ZOO=${ZOO:-zoo} PYTHON=${PYTHON:-python} CELL=${CELL:-2200} OUT=${OUT:-runs/ha-tpc-comparison} TRAINING=${TRAINING:-60000} TEST=${TEST:-140000}
OTHERS=${OTHERS:-20000} RESNET=${RESNET:-6} FIT=${FIT:-8} CHARGES=${CHARGES:-3} DIRECT=${DIRECT:-12} TALK=${TALK:-2}
FACE=--set=data.options.start=face
FALLING=--set=data.options.spectrum=falling # as many of every curvature
TARGETS='["q_over_pt","phi","y_ini"]' # from the face z_ini is always the same
export OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED [OPTION...]
  local file=$OUT/$1.h5 events=$2 seed=$3
  shift 3
  [ -e "$file" ] || "$ZOO" data simulate ha-tpc --data gun --events "$events" --seed "$seed" \
    --out "$file" "$@"
}

train() { # NAME MODEL DATA TARGETS EPOCHS [OPTION...]: one that is finished is only looked at
  local name=$1 model=$2 data=$3 targets=$4 epochs=$5
  shift 5
  "$ZOO" train "ha-tpc/$model" --recipe better --data "$OUT/$data.h5" --out "$OUT/$name" \
    --set data.test=0.0 --set "training.epochs=$epochs" --set "model.targets=$targets" \
    --set training.workers=1 "$@"
}

judge() { # FOLDER DATA RUN...: once
  local folder=$OUT/judged-$1 data=$OUT/$2.h5
  shift 2
  [ -e "$folder/results.json" ] || "$ZOO" eval "$@" --data "$data" --split all --resamples 200 \
    --out "$folder"
  "$ZOO" report "$folder"
}

mkdir -p "$OUT"
simulate train "$TRAINING" 4 "$FACE" "$FALLING" '--set=data.options.p_t_gev=[0.08,20]'
simulate narrow "$TRAINING" 4 "$FACE" "$FALLING" '--set=data.options.p_t_gev=[0.15,20]'
simulate test "$TEST" 5 "$FACE"
[ -e "$OUT/cells.h5" ] ||
  "$PYTHON" "$(dirname "$0")/ha_tpc_thin.py" "$OUT/test.h5" "$OUT/cells.h5" "$CELL"
train cluster-fit cluster-net train "$TARGETS" "$FIT"
train cluster-charges cluster-net train "$TARGETS" "$CHARGES" --set model.start=charges
train cluster-direct cluster-net narrow "$TARGETS" "$DIRECT" --set model.start=direct
runs=("$OUT/cluster-fit" "$OUT/cluster-charges" "$OUT/cluster-direct")
if [ "$RESNET" != 0 ]; then # bf16 halves its time where the processor has it
  train resnet18 resnet18 narrow "$TARGETS" "$RESNET" --set training.batch=64 --set training.precision=bf16
  runs+=("$OUT/resnet18")
fi
judge main cells "${runs[@]}"

# Another spectrum than that of the training.
simulate log-uniform "$TRAINING" 6 "$FACE" --set data.options.spectrum=log-uniform
train cluster-log cluster-net log-uniform "$TARGETS" "$TALK"
simulate log-uniform-test "$OTHERS" 7 "$FACE" --set data.options.spectrum=log-uniform
simulate falling-test "$OTHERS" 8 "$FACE" --set data.options.spectrum=falling
simulate uniform-test "$OTHERS" 9 "$FACE"
for spectrum in log-uniform falling uniform; do
  judge "$spectrum" "$spectrum-test" "$OUT/cluster-log" "$OUT/cluster-fit"
done

# What the talk trained for, one by one, on its own spectrum; its z_ini needs tracks that start
# anywhere.
simulate talk "$TRAINING" 4 "$FACE"
simulate volume "$TRAINING" 10
simulate volume-test "$OTHERS" 11
train talk-z_ini cluster-net volume '["z_ini"]' "$TALK"
judge talk-z_ini volume-test "$OUT/talk-z_ini"
for target in p_z p_z-p_y sin_phi phi; do
  train "talk-$target" cluster-net talk "[\"${target//-/\",\"}\"]" "$TALK"
  judge "talk-$target" uniform-test "$OUT/talk-$target"
done

# How far each number moves where the simulation is wrong.
[ -e "$OUT/varied/results.json" ] || "$ZOO" eval "$OUT/cluster-fit" --data gun "$FACE" \
  --set data.events=4000 --set data.seed=12 --split all --training "$OUT/train.h5" --variations all \
  --resamples 200 --out "$OUT/varied"

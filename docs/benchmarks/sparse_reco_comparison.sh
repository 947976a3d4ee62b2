#!/usr/bin/env bash
# Classes, points and ghosts of simulated liquid-argon events, and what is left of them on events of
# Geant4 (edep-sim), which no network has seen: trained on the simulator alone, beside local-dedx,
# which is fitted to the same events.
#
# Half a day of a core at full size. What is finished is left alone: run it again to go on.
#   OUT      where everything goes                         (runs/sparse-reco-comparison)
#   EVENTS   simulated events that networks learn from     (10000)
#   TEST     simulated events of the judgement             (1000)
#   EPOCHS   of the network for classes and points         (5)
#   GHOSTS, GHOST_EPOCHS  events with ghosts, and epochs   (4000, 5)
#   EDEPSIM  segments of edep-sim in HDF5; empty: none     (larnd-sim's sample in DETECTOR_ZOO_DATA)
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/sparse-reco-comparison} EVENTS=${EVENTS:-10000} TEST=${TEST:-1000}
EPOCHS=${EPOCHS:-5} GHOSTS=${GHOSTS:-4000} GHOST_EPOCHS=${GHOST_EPOCHS:-5}
EDEPSIM=${EDEPSIM-${DETECTOR_ZOO_DATA:-../shared/data}/sparse-reco/larndsim/edepsim_mixed_sample.h5}
export OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED OPTION...: a vertex and a few particles beside it
  local file=$OUT/$1.h5 events=$2 seed=$3
  shift 3
  [ -e "$file" ] || "$ZOO" data simulate sparse-semantic --data events --events "$events" --seed "$seed" \
    --set 'data.options.rain=[1,3]' --set data.options.scheme=hip-mip "$@" --out "$file"
}

train() { # NAME MODEL DATA EPOCHS [OPTION...]: half the published filters
  local name=$1 model=$2 data=$3 epochs=$4
  shift 4
  "$ZOO" train "sparse-semantic/$model" --recipe better --data "$OUT/$data.h5" --out "$OUT/$name" \
    --set model.filters=16 --set data.test=0.0 --set training.batch=8 --set training.workers=1 \
    --set "training.epochs=$epochs" "$@"
}

judge() { # FOLDER RUN TRAINING DATA...
  local folder=$OUT/judged-$1 run=$OUT/$2 training=$OUT/$3.h5
  shift 3
  [ -e "$folder/results.json" ] || "$ZOO" eval "$run" --data "$@" --split all --training "$training" \
    --resamples 200 --out "$folder"
  "$ZOO" report "$folder"
}

mkdir -p "$OUT"
simulate events "$EVENTS" 1
simulate test "$TEST" 2
train points uresnet-ppn events "$EPOCHS"
judge points points events "$OUT/test.h5"
[ -z "$EDEPSIM" ] ||
  judge edepsim points events "edepsim:$EDEPSIM" --set data.options.scheme=hip-mip

ghosts=(--set data.options.preset=small --set 'data.options.ghosts={}')
simulate ghosts "$GHOSTS" 3 "${ghosts[@]}"
simulate ghosts-test "$TEST" 4 "${ghosts[@]}"
train ghosts uresnet ghosts "$GHOST_EPOCHS" --set model.ghosts=true \
  --set 'model.features=["deposit","plane_charge"]'
judge ghosts ghosts ghosts "$OUT/ghosts-test.h5"

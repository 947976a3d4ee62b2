#!/usr/bin/env bash
# The whole chain of sparse-reco: every stage trained on simulated events, each after the first on
# the predictions of those before; judged on pile-up of 2 to 20 interactions beside the baselines;
# where efficiency is lost; the same from exported files; time and memory against the size of events.
#
# Days of a core at full size. What is finished is left alone: run it again to go on.
#   OUT       where everything goes                            (runs/sparse-reco-chain)
#   EVENTS    simulated events that networks learn from        (10000)
#   TEST      simulated events of the judgement, of each kind  (500)
#   STEPS     updates of each network; empty: of the recipe    ()
#   RECIPE    of the trainings                                 (better)
#   SEMANTIC, CLUSTER, SHOWER, TRACK, INTERACTION  more options of a training
#   PILE_UP   interactions of an event                         (2 5 10 20)
#   SIZES     vertices of events for the timing: some 1k, 5k, 20k voxels  (1 5 20)
#   TIMED     events of each size                              (20)
#   EDEPSIM   segments of edep-sim in HDF5; empty: none        (larnd-sim's sample in DETECTOR_ZOO_DATA)
#   SIMULATOR more options of the simulator                    ()
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/sparse-reco-chain} EVENTS=${EVENTS:-10000} TEST=${TEST:-500}
STEPS=${STEPS:-} RECIPE=${RECIPE:-better} PILE_UP=${PILE_UP:-2 5 10 20} SIZES=${SIZES:-1 5 20}
TIMED=${TIMED:-20} SIMULATOR=${SIMULATOR:-}
SEMANTIC=${SEMANTIC:-} CLUSTER=${CLUSTER:-} SHOWER=${SHOWER:-} TRACK=${TRACK:-} INTERACTION=${INTERACTION:-}
EDEPSIM=${EDEPSIM-${DETECTOR_ZOO_DATA:-../shared/data}/sparse-reco/larndsim/edepsim_mixed_sample.h5}
export OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED LEAST MOST: so many vertices
  # shellcheck disable=SC2086  # several options
  [ -e "$OUT/$1.h5" ] || "$ZOO" data simulate sparse-semantic --data events --events "$2" --seed "$3" \
    --set "data.options.vertices=[$4,$5]" --set 'data.options.rain=[1,3]' $SIMULATOR --out "$OUT/$1.h5"
}

train() { # NAME MODEL FILE OPTION...
  local name=$1 model=$2 file=$3
  shift 3
  [ -e "$OUT/$name/model.safetensors" ] || "$ZOO" train "$model" --recipe "$RECIPE" --data "$OUT/$file.h5" \
    --out "$OUT/$name" --set data.test=0.0 ${STEPS:+--set training.steps=$STEPS} "$@"
}

link() { # FILE TASK SOURCE RUN UPSTREAM OPTION...: predictions are stored once
  local file=$OUT/$1.h5 task=$2 source=$3 run=$OUT/$4 upstream=$5
  shift 5
  [ -e "$file" ] || "$ZOO" data convert "$task" --data "$source" --set "data.model=$run" \
    --set "$upstream" "$@" --out "$file"
}

judge() { # NAME DATA MODEL...
  local name=$1 data=$2
  shift 2
  "$ZOO" sparse-reco reco "$@" --data "$data" --training "$OUT/events.h5" --out "$OUT/reco-$name.h5" --json \
    >"$OUT/reco-$name.json"
  [ -e "$OUT/judged-$name/results.json" ] ||
    "$ZOO" sparse-reco judge "$OUT/reco-$name.h5" --data "$data" --out "$OUT/judged-$name"
}

mkdir -p "$OUT"
simulate events "$EVENTS" 1 1 6

# shellcheck disable=SC2086  # several options
train semantic sparse-semantic/uresnet-ppn events $SEMANTIC
link classes sparse-cluster classes semantic "data.upstream.path=$OUT/events.h5"
# shellcheck disable=SC2086
train cluster sparse-cluster/graph-spice classes $CLUSTER
link fragments sparse-group fragments cluster "data.upstream.path=$OUT/classes.h5"
# shellcheck disable=SC2086
train shower sparse-group/grappa-shower fragments $SHOWER
# shellcheck disable=SC2086
train track sparse-group/grappa-track fragments $TRACK
link particles sparse-group particles track data.upstream.source=particles \
  --set "data.upstream.model=$OUT/shower" --set "data.upstream.upstream.path=$OUT/fragments.h5"
# shellcheck disable=SC2086
train interaction sparse-group/grappa-interaction particles $INTERACTION
chain=("$OUT/semantic" "$OUT/cluster" "$OUT/shower" "$OUT/track" "$OUT/interaction")

# Every stage's table, with baselines and oracles, on the predictions of the stages before.
for stage in semantic:events cluster:classes shower:fragments track:fragments interaction:particles; do
  name=${stage%%:*} file=${stage##*:}
  [ -e "$OUT/stage-$name/results.json" ] || "$ZOO" eval "$OUT/$name" --data "$OUT/$file.h5" --split validation \
    --resamples 200 --out "$OUT/stage-$name"
done

for count in $PILE_UP; do
  simulate "pile-up-$count" "$TEST" "$((100 + count))" "$count" "$count"
  judge "pile-up-$count" "$OUT/pile-up-$count.h5" "${chain[@]}"
  judge "pile-up-$count-baselines" "$OUT/pile-up-$count.h5"
done
simulate mixed "$TEST" 7 1 20
judge mixed "$OUT/mixed.h5" "${chain[@]}"
[ -e "$OUT/losses/results.json" ] || "$ZOO" sparse-reco losses "${chain[@]}" --data "$OUT/mixed.h5" \
  --training "$OUT/events.h5" --out "$OUT/losses"
[ -z "$EDEPSIM" ] || judge edepsim "edepsim:$EDEPSIM" "${chain[@]}"

# The same particles from exported files.
exported=()
for name in semantic cluster shower track interaction; do
  [ -e "$OUT/$name.onnx" ] || "$ZOO" export "$OUT/$name" --format onnx --out "$OUT/$name.onnx"
  exported+=("$OUT/$name.onnx")
done
judge exported "$OUT/mixed.h5" "${exported[@]}"

# Time and memory of each stage against the number of voxels, on one thread.
for count in $SIZES; do
  simulate "size-$count" "$TIMED" "$((200 + count))" "$count" "$count"
  rm -f "$OUT/timed-$count.h5" "$OUT/timed-$count-baselines.h5"
  "$ZOO" sparse-reco reco "${chain[@]}" --data "$OUT/size-$count.h5" --out "$OUT/timed-$count.h5"
  "$ZOO" sparse-reco reco --data "$OUT/size-$count.h5" --training "$OUT/events.h5" \
    --out "$OUT/timed-$count-baselines.h5"
done

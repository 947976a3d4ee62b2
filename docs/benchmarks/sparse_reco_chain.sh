#!/usr/bin/env bash
# The whole chain of sparse-reco on simulated events. Classes and points are trained first; each later
# stage on true inputs of other events, then on what the stages before it say: the graph networks on
# fragments of FRAGMENTS, so that they do not wait for the network of fragments. All are judged on
# pile-up of 2 to 20 interactions: every stage beside its baseline and its oracle, then the particles
# of the whole chain; where efficiency is lost; events of Geant4; the same from exported files; time
# and memory against the size of events.
#
# Days of a core at full size. What is finished is left alone: run it again to go on.
#   OUT       where everything goes                                    (runs/sparse-reco-chain)
#   EVENTS    simulated events for the classes, and as many with true inputs  (10000)
#   LINKED    the first of them, for what the other stages learn from predictions  (EVENTS)
#   FITTED    the first of them, for the classical algorithms          (500)
#   TEST      events of the judgement, of each kind                    (500)
#   RECIPE    of the trainings                                         (better)
#   SEMANTIC, CLUSTER, SHOWER, TRACK, INTERACTION  options of a network
#   HEADS     heads of the last that learn on true inputs alone, e.g. --set model.vertices=true
#   ON_TRUTH, ON_PREDICTIONS  options of the trainings on either, e.g. --set training.steps=1000
#   FRAGMENTS model that makes the fragments of the chain; the network is judged beside it  (sparse-cluster/dbscan)
#   PILE_UP   interactions of an event                                 (2 5 10 20)
#   SIZES     vertices of events for the timing: some 1k, 5k, 20k voxels  (0 1 3 11 16)
#   TIMED     events of each size                                      (20)
#   REAL      folder with events of Geant4 and of real formats; empty: none  (sparse-reco in DETECTOR_ZOO_DATA)
#   SIMULATOR more options of the simulator
# shellcheck disable=SC2086  # options are several words
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/sparse-reco-chain} EVENTS=${EVENTS:-10000} TEST=${TEST:-500}
LINKED=${LINKED:-$EVENTS} FITTED=${FITTED:-500} RECIPE=${RECIPE:-better} PILE_UP=${PILE_UP:-2 5 10 20}
SIZES=${SIZES:-0 1 3 11 16} TIMED=${TIMED:-20} SIMULATOR=${SIMULATOR:-}
SEMANTIC=${SEMANTIC:-} CLUSTER=${CLUSTER:-} SHOWER=${SHOWER:-} TRACK=${TRACK:-} INTERACTION=${INTERACTION:-}
HEADS=${HEADS:-} ON_TRUTH=${ON_TRUTH:-} ON_PREDICTIONS=${ON_PREDICTIONS:-}
FRAGMENTS=${FRAGMENTS:-sparse-cluster/dbscan}
REAL=${REAL-${DETECTOR_ZOO_DATA:-../shared/data}/sparse-reco}
export OMP_NUM_THREADS=1

simulate() { # FILE EVENTS SEED LEAST MOST [TASK]: so many vertices; fewer events of a seed are the first of more
  [ -e "$OUT/$1.h5" ] || "$ZOO" data simulate "${6:-sparse-semantic}" --data events --events "$2" --seed "$3" \
    --set "data.options.vertices=[$4,$5]" --set 'data.options.rain=[1,3]' $SIMULATOR --out "$OUT/$1.h5"
}

train() { # NAME MODEL FILE OPTION...
  local name=$1 model=$2 file=$3
  shift 3
  [ -e "$OUT/$name/model.safetensors" ] || "$ZOO" train "$model" --recipe "$RECIPE" --data "$OUT/$file.h5" \
    --out "$OUT/$name" --set data.test=0.0 --set data.validation=0.04 "$@"
}

later() { # NAME MODEL FILE OPTION...: on true inputs, then on predictions
  local name=$1 model=$2 file=$3
  shift 3
  train "$name-truth" "$model" "truth-${model%%/*}" "$@" $ON_TRUTH
  train "$name" "$model" "$file" --from "$OUT/$name-truth" "$@" $ON_PREDICTIONS
}

link() { # FILE TASK SOURCE RUN UPSTREAM [OPTION...]: predictions are stored once
  local file=$OUT/$1.h5 task=$2 source=$3 run=$4 upstream=$5
  shift 5
  [ -e "$file" ] || "$ZOO" data convert "$task" --data "$source" --set "data.model=$run" \
    --set "$upstream" "$@" --out "$file"
}

classes() { # OF: what the semantic network says of a file, and so on
  link "$1-classes" sparse-cluster classes "$OUT/semantic" "data.upstream.path=$OUT/$1.h5"
}
fragments() { link "$1-fragments" sparse-group fragments "$FRAGMENTS" "data.upstream.path=$OUT/$1-classes.h5"; }
particles() {
  link "$1-particles" sparse-group particles "$OUT/track" data.upstream.source=particles \
    --set "data.upstream.model=$OUT/shower" --set "data.upstream.upstream.path=$OUT/$1-fragments.h5"
}

judge() { # NAME DATA MODEL...
  local name=$1 data=$2
  shift 2
  [ -e "$OUT/reco-$name.json" ] || { "$ZOO" sparse-reco reco "$@" --data "$data" --training "$OUT/fitted.h5" \
    --out "$OUT/reco-$name.h5" --json >"$OUT/reco-$name.tmp" && mv "$OUT/reco-$name.tmp" "$OUT/reco-$name.json"; }
  [ -e "$OUT/judged-$name/results.json" ] ||
    "$ZOO" sparse-reco judge "$OUT/reco-$name.h5" --data "$data" --out "$OUT/judged-$name"
}

mkdir -p "$OUT"
simulate events "$EVENTS" 1 1 6
simulate linked "$LINKED" 1 1 6
simulate fitted "$FITTED" 1 1 6
for file in "truth $EVENTS 11 1 6" "fitted-truth $FITTED 11 1 6" "mixed-truth $TEST 7 2 20"; do
  read -r name count seed least most <<<"$file"
  simulate "$name-sparse-cluster" "$count" "$seed" "$least" "$most" sparse-cluster
  [ -e "$OUT/$name-sparse-group.h5" ] || "$ZOO" data convert sparse-group \
    --data "$OUT/$name-sparse-cluster.h5" --out "$OUT/$name-sparse-group.h5"
done

train semantic sparse-semantic/uresnet-ppn events $SEMANTIC
classes linked
later cluster sparse-cluster/graph-spice linked-classes $CLUSTER
fragments linked
later shower sparse-group/grappa-shower linked-fragments $SHOWER
later track sparse-group/grappa-track linked-fragments $TRACK
particles linked
train interaction-truth sparse-group/grappa-interaction truth-sparse-group $INTERACTION $HEADS $ON_TRUTH
train interaction sparse-group/grappa-interaction linked-particles --from "$OUT/interaction-truth" \
  $INTERACTION $ON_PREDICTIONS
chain=("$OUT/semantic" "cluster=$FRAGMENTS" "$OUT/shower" "$OUT/track" "$OUT/interaction")

# Every stage on pile-up, with baselines and oracle: on true inputs, then on what the stages before say.
for stage in cluster:cluster shower:group track:group interaction:group; do
  name=${stage%%:*} file=truth-sparse-${stage##*:}
  [ -e "$OUT/truth-$name/results.json" ] || "$ZOO" eval "$OUT/$name-truth" --data "$OUT/mixed-$file.h5" \
    --split all --training "$OUT/fitted-$file.h5" --resamples 200 --out "$OUT/truth-$name"
done
simulate mixed "$TEST" 7 2 20
for file in mixed fitted; do
  classes "$file"
  fragments "$file"
  particles "$file"
done
for stage in semantic: cluster:-classes shower:-fragments track:-fragments interaction:-particles; do
  name=${stage%%:*} inputs=${stage##*:}
  [ -e "$OUT/stage-$name/results.json" ] || "$ZOO" eval "$OUT/$name" --data "$OUT/mixed$inputs.h5" --split all \
    --training "$OUT/fitted$inputs.h5" --resamples 200 --out "$OUT/stage-$name"
done

for count in $PILE_UP; do
  simulate "pile-up-$count" "$TEST" "$((100 + count))" "$count" "$count"
  judge "pile-up-$count" "$OUT/pile-up-$count.h5" "${chain[@]}"
  judge "pile-up-$count-baselines" "$OUT/pile-up-$count.h5"
done
judge mixed "$OUT/mixed.h5" "${chain[@]}"
judge mixed-baselines "$OUT/mixed.h5"
networks=("$OUT/semantic" "$OUT/cluster" "$OUT/shower" "$OUT/track" "$OUT/interaction")
judge mixed-networks "$OUT/mixed.h5" "${networks[@]}"
[ -e "$OUT/losses/results.json" ] || "$ZOO" sparse-reco losses "${chain[@]}" --data "$OUT/mixed.h5" \
  --training "$OUT/fitted.h5" --out "$OUT/losses"
for file in edepsim:larndsim/edepsim_mixed_sample.h5 larcv-root:mini_larcv2_replica.root \
  larcv-h5:pilarnet/larcv3_written_by_larcv_3.5.1.h5; do
  [ -z "$REAL" ] && break
  judge "${file%%:*}" "${file%%:*}:$REAL/${file##*:}" "${chain[@]}"
  judge "${file%%:*}-baselines" "${file%%:*}:$REAL/${file##*:}"
done

# The same particles from exported files of all five networks.
exported=$OUT/exported
for name in semantic cluster shower track interaction; do
  [ -e "$exported/$name" ] || "$ZOO" export "$OUT/$name" --format onnx --out "$exported/$name"
done
judge exported "$OUT/mixed.h5" "$exported"/*/*.onnx

# Time and memory of each stage against the number of voxels, on one thread.
for count in $SIZES; do
  simulate "size-$count" "$TIMED" "$((200 + count))" "$count" "$count"
  rm -f "$OUT/timed-$count.h5" "$OUT/timed-$count-baselines.h5"
  "$ZOO" sparse-reco reco "${chain[@]}" --data "$OUT/size-$count.h5" --out "$OUT/timed-$count.h5"
  "$ZOO" sparse-reco reco --data "$OUT/size-$count.h5" --training "$OUT/fitted.h5" \
    --out "$OUT/timed-$count-baselines.h5"
done

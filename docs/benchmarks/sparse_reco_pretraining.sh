#!/usr/bin/env bash
# Does a backbone that learnt from hidden voxels, without labels, help the classes of voxels? It is
# trained on all events, then sparse-semantic/uresnet from it and from scratch on 1 %, 10 % and all of
# the same events with labels: equal networks, settings, updates and seeds, judged on other events.
#
# A day of a core at full size. What is finished is left alone: run it again to go on.
#   OUT       where everything goes                       (runs/sparse-reco-pretraining)
#   EVENTS    simulated events, at least 100              (10000)
#   TEST      events of the judgement                     (1000)
#   FILTERS, REPS, BATCH  of all networks                 (16, 2, 8)
#   PRETRAIN  updates without labels                      (20000)
#   STEPS     updates with labels                         (4000)
#   SEEDS     of every training with labels               ("1 2 3")
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/sparse-reco-pretraining} EVENTS=${EVENTS:-10000} TEST=${TEST:-1000}
FILTERS=${FILTERS:-16} REPS=${REPS:-2} BATCH=${BATCH:-8}
PRETRAIN=${PRETRAIN:-20000} STEPS=${STEPS:-4000} SEEDS=${SEEDS:-1 2 3}
export OMP_NUM_THREADS=1
SHARES="1 10 100"

simulate() { # NAME EVENTS SEED: fewer events of a seed are the first of more
  [ -e "$OUT/$1.h5" ] || "$ZOO" data simulate sparse-semantic --data events --events "$2" --seed "$3" \
    --set data.options.preset=small --out "$OUT/$1.h5"
}

train() { # NAME MODEL DATA STEPS SEED [OPTION...]: to the last update, whatever a validation would say
  local name=$1 model=$2 data=$3 steps=$4 seed=$5
  shift 5
  "$ZOO" train "$model" --recipe quick --data "$OUT/$data.h5" --out "$OUT/$name" \
    --set "model.filters=$FILTERS" --set "model.reps=$REPS" --set "training.batch=$BATCH" \
    --set "training.steps=$steps" --set "training.seed=$seed" --set training.workers=1 \
    --set data.test=0.0 --set data.validation=0.0 "$@"
}

row() { # NAME SHARE: its trainings as one row
  local runs=""
  for seed in $SEEDS; do runs+=",$OUT/$1-$2-$seed"; done
  echo "$1=${runs#,}"
}

mkdir -p "$OUT"
simulate test "$TEST" 2
for share in $SHARES; do simulate "events-$share" $((EVENTS * share / 100)) 1; done

train masked sparse-masked/uresnet events-100 "$PRETRAIN" 1
[ -e "$OUT/judged-masked/results.json" ] || "$ZOO" eval "$OUT/masked" --data "$OUT/test.h5" --split all \
  --resamples 200 --out "$OUT/judged-masked"
"$ZOO" report "$OUT/judged-masked"

for seed in $SEEDS; do
  for share in $SHARES; do
    train "scratch-$share-$seed" sparse-semantic/uresnet "events-$share" "$STEPS" "$seed"
    train "pretrained-$share-$seed" sparse-semantic/uresnet "events-$share" "$STEPS" "$seed" \
      --from "$OUT/masked"
  done
done

for share in $SHARES; do
  folder=$OUT/judged-$share
  [ -e "$folder/results.json" ] || "$ZOO" eval "$(row pretrained "$share")" "$(row scratch "$share")" \
    --data "$OUT/test.h5" --split all --resamples 200 --out "$folder"
  "$ZOO" compare "$folder" --against scratch --out "$OUT/against-scratch-$share"
  "$ZOO" report "$folder"
done

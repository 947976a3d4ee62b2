#!/usr/bin/env bash
# All 280,724 tracks of the ResNet talk, which did not fit into its memory: simulated with three
# channels, converted from an archive of others, trained on in bounded memory.
#
# Half an hour of two cores. What is finished is left alone: run it again to go on.
#   OUT     where everything goes                    (runs/ha-tpc-all)
#   EVENTS  tracks                                   (280724)
#   IMAGES  seconds that resnet18 trains in, from all tracks and from a tenth  (120)
set -euo pipefail
ZOO=${ZOO:-zoo} PYTHON=${PYTHON:-python} OUT=${OUT:-runs/ha-tpc-all} EVENTS=${EVENTS:-280724}
IMAGES=${IMAGES:-120}
HERE=$(dirname "$0")
export OMP_NUM_THREADS=1

simulate() { # NAME EVENTS: the gun of the talk: positive muons in the plane, from its face
  [ -e "$OUT/$1.h5" ] || "$ZOO" data simulate ha-tpc --data gun --events "$2" --seed 1 \
    --set data.options.start=face --set data.options.positive=1 --out "$OUT/$1.h5"
}

train() { # NAME MODEL DATA [OPTION...]
  local name=$1 model=$2 data=$3
  shift 3
  [ -e "$OUT/$name/model.safetensors" ] || "$ZOO" train "ha-tpc/$model" --recipe better \
    --data "$OUT/$data.h5" --out "$OUT/$name" --set data.memory=stream --set data.test=0.0 \
    --set 'model.targets=["q_over_pt","phi","y_ini"]' "$@"
}

mkdir -p "$OUT"
simulate all "$EVENTS"
simulate tenth $((EVENTS / 10))
if [ ! -e "$OUT/converted.h5" ]; then
  "$PYTHON" "$HERE/ha_tpc_as_npz.py" "$OUT/all.h5" "$OUT/all.npz"
  time "$ZOO" data convert ha-tpc --data "event-npz:$OUT/all.npz" --out "$OUT/converted.h5"
fi
ls -l "$OUT"/*.h5 "$OUT"/*.npz

# An epoch of all tracks, three of the tenth, by a small network: what is looked at is how data are read.
for one in all:1 tenth:3; do
  train "clusters-${one%:*}" cluster-net "${one%:*}" --set model.start=direct --set model.width=16 \
    --set model.layers=2 --set training.workers=1 --set "training.epochs=${one#*:}"
done
# Images of three channels, for a while: exit code 75 is "stopped, can go on".
for data in all tenth; do
  train "images-$data" resnet18 $data --set 'model.images=["charge","time","width"]' \
    --set training.batch=64 --set training.log_every=1 --max-time "$IMAGES" || [ $? = 75 ]
done
"$PYTHON" "$HERE/ha_tpc_peaks.py" "$OUT"/{clusters,images}-{tenth,all}

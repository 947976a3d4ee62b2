#!/usr/bin/env bash
# The comparison of the DNN-ROI talk, again: simulate, train, judge, vary, time, report.
#
# Hours on two cores. What is finished is left alone: run it again to go on after any stop.
#   OUT    where everything goes                         (runs/comparison)
#   FILES  folder of the public Wire-Cell files dnn-roi  (empty: closed forms in their place)
#   EVENTS of the training sample: a shower among muons  (200)
#   TRACKS, SHOWERS  events of the two test samples      (540, 400)
#   STEPS  of every training                             (2000)
#   SEEDS  of every network                              ("1 2 3")
#   JOBS   trainings at a time, one thread each          (2)
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/comparison} FILES=${FILES:-} EVENTS=${EVENTS:-200}
TRACKS=${TRACKS:-540} SHOWERS=${SHOWERS:-400} STEPS=${STEPS:-2000} SEEDS=${SEEDS:-1 2 3} JOBS=${JOBS:-2}
export ZOO OUT STEPS OMP_NUM_THREADS=1
MODELS="lite-unet mobilenetv3-unet smp-unet mobilenetv2-unet"

# Pieces of a ProtoDUNE-HD face: 200 wires and 2000 ticks, cosmic muons, dead and noisy channels.
PIECE=(--set data.options.detector.wires=200 --set data.options.detector.ticks=2000
  --set data.options.detector.drift_length_mm=1565 --set "data.options.cosmics=[1,6]"
  --set data.options.dead=0.01 --set data.options.noisy=0.01)
if [ -n "$FILES" ]; then
  PIECE+=(--set "data.options.field_response=$FILES/dune-garfield-1d565.json.bz2"
    --set "data.options.noise_spectrum=$FILES/protodunehd-noise-spectra-14mVfC-v1.json.bz2")
fi

simulate() { # NAME SOURCE EVENTS SEED [OPTION...]
  local name=$1 source=$2 events=$3 seed=$4
  shift 4
  [ -e "$OUT/$name.h5" ] || "$ZOO" data simulate dnn-roi --data "$source" --events "$events" \
    --seed "$seed" --out "$OUT/$name.h5" "${PIECE[@]}" "$@"
}

train() { # NAME MODEL SEED [OPTION...]: one configuration for all, one seed gives all the same crops
  local name=$1 model=$2 seed=$3
  shift 3
  "$ZOO" train "dnn-roi/$model" --data "$OUT/mixed.h5" --recipe better --out "$OUT/$name-$seed" \
    --set "training.steps=$STEPS" --set "training.seed=$seed" --set data.test=0.0 \
    --set training.validate_every=$((STEPS / 5)) --set "training.snapshot_every=$STEPS" \
    --set training.precision=bf16 --set engine.channels_last=true "$@"
}
export -f train

row() { # NAME: its trainings as one row
  local runs=""
  for seed in $SEEDS; do runs+=",$OUT/$1-$seed"; done
  echo "$1=${runs#,}"
}

judge() { # FOLDER DATA ROW...: once
  local folder=$1 data=$2
  shift 2
  [ -e "$folder/results.json" ] || "$ZOO" eval "$@" --data "$data" --split all --out "$folder"
  "$ZOO" report "$folder"
}

mkdir -p "$OUT"
simulate mixed showers "$EVENTS" 14
simulate tracks tracks "$TRACKS" 12 --set data.options.length_mm=800
simulate showers showers "$SHOWERS" 13

for seed in $SEEDS; do
  for model in $MODELS; do echo "$model $model $seed"; done
  echo "separable lite-unet $seed --set model.dense=0"
  echo "four-ticks lite-unet $seed --set model.dense=0 --set model.rebin=4 --set model.crop.bins=500"
done | xargs -P "$JOBS" -L 1 bash -c 'train "$@"' train

ROWS=()
for name in $MODELS separable four-ticks; do ROWS+=("$(row "$name")"); done
judge "$OUT/on-tracks" "$OUT/tracks.h5" "${ROWS[@]}"
judge "$OUT/on-showers" "$OUT/showers.h5" "${ROWS[@]}"
# All against each: bins of four ticks against ten are among them, judged in ticks.
for rival in lite-unet mobilenetv3-unet smp-unet; do
  for sample in tracks showers; do
    "$ZOO" compare "$OUT/on-$sample" --against "$rival" --out "$OUT/$sample-against-$rival"
  done
done

# The same 24 tracks (or fewer) with one thing changed in the simulation.
[ -e "$OUT/varied/results.json" ] || "$ZOO" eval "${ROWS[@]}" --data tracks --split all \
  --variations all "${PIECE[@]}" --set data.options.length_mm=800 --set data.events=$((TRACKS < 24 ? TRACKS : 24)) \
  --set data.seed=12 --out "$OUT/varied"
"$ZOO" report "$OUT/varied"

if [ -n "$FILES" ]; then # the charge of a measured event; what the traditional chain lost is missing
  judge "$OUT/on-real-charge" "real-charge:$FILES/protodunehd-sp-frames-anode1.tar.bz2" \
    "${ROWS[@]}" --set "data.options.wires=$FILES/protodunehd-wires-larsoft-v1.json.bz2" \
    --set "data.options.field_response=$FILES/dune-garfield-1d565.json.bz2" \
    --set "data.options.noise_spectrum=$FILES/protodunehd-noise-spectra-14mVfC-v1.json.bz2"
fi

# Time and memory; the large networks of the talk are not trained here, only timed.
BENCH=(dnn-roi/lite-unet "tiled=dnn-roi/lite-unet:tiles=4" "separable=dnn-roi/lite-unet:dense=0"
  dnn-roi/mobilenetv3-unet dnn-roi/mobilenetv2-unet dnn-roi/smp-unet)
[ -e "$OUT/bench" ] || "$ZOO" bench "${BENCH[@]}" dnn-roi/unet dnn-roi/transformer-unet \
  --size wire=800,bin=600 --onednn on,off --processes 3 --repeats 2 \
  --relative-to dnn-roi/mobilenetv3-unet --out "$OUT/bench"
[ -e "$OUT/bench-onnx" ] || "$ZOO" bench "${BENCH[@]}" --size wire=800,bin=600 --runtime onnx \
  --processes 3 --repeats 2 --relative-to dnn-roi/mobilenetv3-unet --out "$OUT/bench-onnx"
[ -e "$OUT/bench-four" ] || "$ZOO" bench dnn-roi/lite-unet:dense=0 --size wire=800,bin=600 \
  --size wire=800,bin=1500 --processes 3 --repeats 2 --out "$OUT/bench-four"

#!/usr/bin/env bash
# Published weights as a start: a tenth of the data of another detector or sample, from the weights
# and from scratch, with equal settings and updates; judged on the same samples.
#
# Half an hour of a core. What is finished is left alone: run it again to go on.
#   OUT    where everything goes            (runs/fine-tuning)
#   SEEDS  of the trainings of dnn-roi      ("1 2 3")
set -euo pipefail
ZOO=${ZOO:-zoo} OUT=${OUT:-runs/fine-tuning} SEEDS=${SEEDS:-1 2 3}
export OMP_NUM_THREADS=1

simulate() { # FILE TASK SOURCE EVENTS SEED OPTION...
  local file=$OUT/$1.h5 task=$2 source=$3 events=$4 seed=$5
  shift 5
  [ -e "$file" ] || "$ZOO" data simulate "$task" --data "$source" --events "$events" --seed "$seed" \
    --out "$file" "${@/#/--set=data.options.}"
}

both() { # NAME MODEL SEEDS SETTING...: from the weights and from scratch, then judged and compared
  local name=$1 model=$2 seeds=$3 rows=() from runs seed start
  shift 3
  for start in weights scratch; do
    from=() runs=""
    [ "$start" = scratch ] || from=(--from "$model@v1")
    for seed in $seeds; do
      "$ZOO" train "$model" --recipe better --data "$OUT/$name.h5" --out "$OUT/$name-$start-$seed" \
        "${from[@]}" --set "training.seed=$seed" --set data.test=0.0 "${@/#/--set=}"
      runs+=",$OUT/$name-$start-$seed"
    done
    rows+=("$start=${runs#,}")
  done
  [ -e "$OUT/$name-judged/results.json" ] || "$ZOO" eval "${rows[@]}" \
    --data "$OUT/$name-test.h5" --split all --out "$OUT/$name-judged"
  "$ZOO" compare "$OUT/$name-judged" --against scratch
}

mkdir -p "$OUT"
# A box whose field cage covers twice as much and whose argon absorbs more; 2,000 flashes of 20,000.
box=(shadow=0.4 rows=10 columns=18 attenuation_cm=1000.0)
simulate light optics lar-box 2000 31 "${box[@]}"
simulate light-test optics lar-box 1000 32 "${box[@]}"
both light optics/siren-vector 0 model.hidden=128 model.loss=log-l2 training.batch=256 \
  training.steps=600 training.validate_every=100

# Tracks that start anywhere in the volume, in any direction; 6,000 of 60,000.
tracks=(spectrum=falling 'p_t_gev=[0.08,20]')
simulate tracks ha-tpc gun 6000 33 "${tracks[@]}"
simulate tracks-test ha-tpc gun 10000 34
both tracks ha-tpc/cluster-net 0 'model.targets=["q_over_pt","phi","y_ini"]' training.epochs=8

# Cosmic muons without a shower; planes half a millimetre further apart than the deconvolution
# assumes, half as much noise again, and noise that boards share; 20 events of 200.
piece=(detector.wires=200 detector.ticks=2000 detector.drift_length_mm=1565 'cosmics=[1,6]' dead=0.01
  noisy=0.01 signal_response=analytic-wide noise_scale=1.5 coherent_adc=2.0)
simulate planes dnn-roi cosmics 20 35 "${piece[@]}"
simulate planes-test dnn-roi cosmics 60 36 "${piece[@]}"
both planes dnn-roi/lite-unet "$SEEDS" model.crop.wires=64 model.crop.bins=100 \
  training.steps=400 training.validate_every=100
"$ZOO" compare "$OUT/planes-judged" --against scratch --number Dice

# Photons in plates a quarter thicker; 2,500 of 25,000. Needs the extra geant4 and its tables.
if [ -n "${GEANT4_DATA_DIR:-}" ]; then
  plates=(pool=3 absorber=1.25)
  simulate showers calo geant4 2500 37 "${plates[@]}" 'energy_gev=[1.0,10.0]'
  simulate showers-test calo geant4 3000 38 "${plates[@]}" 'energies_gev=[2.0,5.0,8.0]'
  both showers calo/wgan-lite 0 training.steps=2000 training.snapshot_every=500 \
    training.validate_every=500
fi

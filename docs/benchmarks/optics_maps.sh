#!/usr/bin/env bash
# Maps of the light in a box of argon with the shadows of a field cage: networks and tables of
# several sizes, their error against bytes, training time, and in the gradient.
#
# Hours at full size. What is finished is left alone: run it again to go on after any stop.
#   OUT        where everything goes                     (runs/optics-maps)
#   EVENTS     flashes, of which 80 % train              (20000)
#   STEPS      of every training, batches of 64          (10000)
#   SHADOW     share of the wall that the bars cover     (0.2)
#   WIDTHS     of siren-vector                           ("32 64 128 256")
#   TABLES     binary logarithms of the hash grid's      ("8 10 12")
#   VOXELS     of the lookup tables along each axis      ("5 8 12 16 24 32")
#   PAIR       whether siren-pair is trained             (1)
#   PROCESSES  of every row of the timing of a step      (3)
set -euo pipefail
ZOO=${ZOO:-zoo} PYTHON=${PYTHON:-python} OUT=${OUT:-runs/optics-maps} EVENTS=${EVENTS:-20000}
STEPS=${STEPS:-10000} SHADOW=${SHADOW:-0.2} WIDTHS=${WIDTHS:-32 64 128 256} TABLES=${TABLES:-8 10 12}
VOXELS=${VOXELS:-5 8 12 16 24 32} PAIR=${PAIR:-1} PROCESSES=${PROCESSES:-3}
HERE=$(cd "$(dirname "$0")/../.." && pwd)
export OMP_NUM_THREADS=1

spent() { # CPU seconds of the programs that this script has waited for
  awk -v hertz="$(getconf CLK_TCK)" '{print ($16 + $17) / hertz}' "/proc/$$/stat"
}

train() { # NAME MODEL [OPTION...]: one at a time, for its CPU seconds are a result
  local name=$1 model=$2 before
  shift 2
  [ -e "$OUT/$name.seconds" ] && return
  before=$(spent)
  "$ZOO" train "optics/$model" --data "$OUT/box.h5" --recipe better --out "$OUT/$name" \
    --set "training.steps=$STEPS" --set "training.validate_every=$((STEPS / 10))" "$@"
  spent | awk -v before="$before" '{print $1 - before}' > "$OUT/$name.seconds"
}

mkdir -p "$OUT"
[ -e "$OUT/box.h5" ] || "$ZOO" data simulate optics --data lar-box --events "$EVENTS" --seed 21 \
  --out "$OUT/box.h5" --set "data.options.shadow=$SHADOW"

for width in $WIDTHS; do train "siren-vector-$width" siren-vector --set "model.hidden=$width"; done
for table in $TABLES; do # features learn faster than weights: the paper's rate is 1e-2
  train "hash-grid-$table" hash-grid --set "model.table_log2=$table" --set optimizers.net.lr=0.01
done
train fourier fourier --set optimizers.net.lr=0.002
train siren-prior siren-prior
[ "$PAIR" = 0 ] || train siren-pair siren-pair

# Time of a step, and so of an epoch, for both have the same batches: with the 60 sensors of the box,
# and with 180, as many as ICARUS has.
step() { # FOLDER [OPTION...]
  local folder=$1
  shift
  [ -e "$OUT/$folder" ] || "$ZOO" bench optics/siren-vector optics/siren-pair --mode training \
    --recipe better --processes "$PROCESSES" --repeats 5 --relative-to optics/siren-vector \
    --out "$OUT/$folder" "$@"
}
step bench --data "$OUT/box.h5"
step bench-180 --data lar-box --set data.events=128 --set data.options.rows=10 \
  --set data.options.columns=18

# shellcheck disable=SC2086  # a list
"$PYTHON" "$HERE/tests/plugins/optics/maps.py" "$OUT" --voxels $VOXELS

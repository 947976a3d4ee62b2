#!/usr/bin/env bash
# Maps of light: networks and tables of several sizes, their error against bytes, training time,
# and, where the light has a closed form, in the gradient.
#
# An hour and a half. What is finished is left alone: run it again to go on after any stop.
#   MAP        box: liquid argon with the shadows of a field cage; tank: photons in water (box)
#   OUT        where everything goes                     (runs/optics-maps-MAP)
#   EVENTS     flashes, of which 80 % train              (20000; tank: 4000)
#   STEPS      of every training                         (3000)
#   BATCH      flashes of a step                         (256; tank: 64)
#   LOSS       of every training                         (log-l2; tank: poisson)
#   LIGHT      options of the source, --set and all      (bars over a fifth of the wall; WCTE's size)
#   WIDTHS     of siren-vector                           ("32 64 128 256")
#   TABLES     binary logarithms of the hash grid's      ("8 10 12")
#   VOXELS     of the lookup tables along each axis      ("5 8 12 16 24 32"; tank: "4 6 8 12 16")
#   PAIR       whether siren-pair is trained             (1)
#   PROCESSES  of every row of the timing of a step      (3)
set -euo pipefail
MAP=${MAP:-box}
ZOO=${ZOO:-zoo} PYTHON=${PYTHON:-python} OUT=${OUT:-runs/optics-maps-$MAP} STEPS=${STEPS:-3000}
WIDTHS=${WIDTHS:-32 64 128 256} TABLES=${TABLES:-8 10 12} PAIR=${PAIR:-1} PROCESSES=${PROCESSES:-3}
case $MAP in
  box) # 180 sensors, as many as ICARUS has
    SOURCE=lar-box EVENTS=${EVENTS:-20000} BATCH=${BATCH:-256} LOSS=${LOSS:-log-l2}
    VOXELS=${VOXELS:-5 8 12 16 24 32}
    LIGHT=${LIGHT:---set data.options.shadow=0.2 --set data.options.rows=10 --set data.options.columns=18}
    ;;
  tank) # the size of WCTE, with 441 sensors of 10 cm
    SOURCE=cherenkov EVENTS=${EVENTS:-4000} BATCH=${BATCH:-64} LOSS=${LOSS:-poisson}
    VOXELS=${VOXELS:-4 6 8 12 16}
    LIGHT=${LIGHT:---set data.options.tank.radius_cm=154 --set data.options.tank.half_height_cm=135
      --set data.options.tank.rows=10 --set data.options.tank.columns=36
      --set data.options.tank.rings=[32,24,16,8,1] --set data.options.tank.sensor_radius_cm=10
      --set data.options.photons=[30000,30000] --set data.options.surfaces.efficiency=0.3
      --set data.options.surfaces.wall_reflectivity=0.14}
    ;;
  *) echo "MAP must be box or tank, not $MAP" >&2; exit 2 ;;
esac
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
  "$ZOO" train "optics/$model" --data "$OUT/flashes.h5" --recipe better --out "$OUT/$name" \
    --set "model.loss=$LOSS" --set "training.batch=$BATCH" --set "training.steps=$STEPS" \
    --set "training.validate_every=$((STEPS / 10))" "$@"
  spent | awk -v before="$before" '{print $1 - before}' > "$OUT/$name.seconds"
}

mkdir -p "$OUT"
# shellcheck disable=SC2086  # LIGHT is a list
[ -e "$OUT/flashes.h5" ] || "$ZOO" data simulate optics --data "$SOURCE" --events "$EVENTS" \
  --seed 21 --out "$OUT/flashes.h5" $LIGHT

for width in $WIDTHS; do train "siren-vector-$width" siren-vector --set "model.hidden=$width"; done
for table in $TABLES; do # features learn faster than weights: the paper's rate is 1e-2
  train "hash-grid-$table" hash-grid --set "model.table_log2=$table" --set optimizers.net.lr=0.01
done
train fourier fourier --set optimizers.net.lr=0.002
train siren-prior siren-prior
[ "$PAIR" = 0 ] || train siren-pair siren-pair

# Time of a step, and so of an epoch, for both have the same batches.
[ -e "$OUT/bench" ] || "$ZOO" bench optics/siren-vector optics/siren-pair --mode training \
  --recipe better --set "training.batch=$BATCH" --data "$OUT/flashes.h5" --processes "$PROCESSES" \
  --repeats 5 --relative-to optics/siren-vector --out "$OUT/bench"

# shellcheck disable=SC2086  # a list
"$PYTHON" "$HERE/tests/plugins/optics/maps.py" "$OUT" --voxels $VOXELS

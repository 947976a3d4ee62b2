#!/usr/bin/env bash
# A stranger's first hour: a fresh environment that holds the wheel of this checkout and no checkout,
# and in it a new plugin, from scaffold to check, each step a command, with the seconds it took.
#
#   OUT           where everything goes; must not be there yet            (runs/from-the-wheel)
#   PYTHON        an interpreter with hatchling, which builds the wheel   (python)
#   DEPENDENCIES  a site-packages folder whose packages are linked into   (empty: pip fetches
#                 the environment, all but ours                            them, some 5 GB)
#   CHECK         options of `zoo check`                                  (none: every rule)
set -euo pipefail
OUT=${OUT:-runs/from-the-wheel} PYTHON=${PYTHON:-python} DEPENDENCIES=${DEPENDENCIES:-} CHECK=${CHECK:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
export OMP_NUM_THREADS=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH ZOO_PLUGINS

link() { # FOLDER: the packages of others, each by its name
  local entry name site
  site=$("$OUT/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  for entry in "$1"/*; do
    name=${entry##*/}
    case $name in
      *.pth | detector_zoo* | zoo_* | __pycache__ | pip | pip-*) ;;
      *) [ -e "$site/$name" ] || ln -s "$entry" "$site/$name" ;;
    esac
  done
}

table="| step | seconds | of CPU | command |"$'\n'"| --- | --- | --- | --- |"
TIMEFORMAT='%R %U %S'
step() { # NAME COMMAND...: in the folder of the stranger, who has the environment alone
  local name=$1 whole user system
  shift
  { time { (cd "$OUT/work" && PATH="$OUT/env/bin:$PATH" "$@") >"$OUT/$name.log" 2>&1; }; } 2>"$OUT/time" || {
    cat "$OUT/$name.log"
    echo "$name: failed"
    exit 1
  }
  read -r whole user system <"$OUT/time"
  user=$(awk "BEGIN {printf \"%.1f\", $user + $system}")
  table+=$'\n'"| $name | ${whole%??} | $user | \`${*//"$OUT"/...}\` |"
}

mkdir "$OUT" "$OUT/work"
OUT=$(cd "$OUT" && pwd)
(cd "$root" && "$PYTHON" -m hatchling build -t wheel -d "$OUT/dist") >"$OUT/build.log" 2>&1
wheel=("$OUT"/dist/*.whl)
begun=$EPOCHREALTIME
"$PYTHON" -m venv "$OUT/env"
offline=()
if [ -n "$DEPENDENCIES" ]; then
  link "$DEPENDENCIES"
  offline=(--no-index --no-deps --no-build-isolation)
fi
step wheel pip install --quiet "${offline[@]}" "${wheel[0]}"
step here python -c "import zoo; assert zoo.__file__.startswith('$OUT/env/'), zoo.__file__"
step new zoo new plugin pulses
step install pip install --quiet "${offline[@]}" ./zoo-pulses
step train zoo train pulses/pulse-net --recipe quick --out run
step eval zoo eval run
step predict zoo predict run --data pulses --set data.events=600 --out predicted.h5
step export zoo export run --format onnx --out export
# shellcheck disable=SC2086  # options, as words
step check zoo check pulses $CHECK
awk "BEGIN {printf \"%s\n\n%.1f minutes in all\n\", ARGV[1], ($EPOCHREALTIME - $begun) / 60}" "$table"

#!/usr/bin/env bash
# The paper's figures, from nothing: installs what is needed, trains on all cores, draws, and says how long each took.
#   bash analysis/figures.sh [SIZE=small] [EXPERIMENT...]     SIZE small, medium or paper; EXPERIMENT as figure_1, by
#                                                             default all that have this size
# Leaves results/EXPERIMENT/SIZE/, runs and pictures. Run again after an interruption, it continues. Ctrl-C or TERM saves
# first and exits with 75.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"

size=${1:-small}
shift || true
if [ $# = 0 ]; then # all that are experiment files, and no examples of single runs; paper is what a file says by itself
  case $size in paper) has='^\[sizes\.' ;; *) has="^\[sizes\.$size[].]" ;; esac
  set -- $(cd "$root/configs" && grep -l "$has" ./*.toml | sed 's|^\./||; s|\.toml$||')
  [ $# != 0 ] || die "no experiment has a size $size"
fi
for name in "$@"; do [ -f "$root/configs/$name.toml" ] || die "no experiment configs/$name.toml"; done
prepare analysis mpi mujoco gymnasium decoders baselines

# In a process group of its own, so that Ctrl-C reaches this script alone, which passes it on as "save and stop".
job= stopped=
trap 'stopped=yes interrupted=yes; say "saving..."; [ -z "$job" ] || kill -USR1 "$job" 2>/dev/null || true' INT TERM USR1
set -m

train() { # NAME: its runs, with the exit code of `esmaml sweep`
  local code
  "$ESMAML" sweep "$root/configs/$1.toml" --size "$size" --output "$root/results/$1/$size" <&- &
  job=$!
  while :; do # a trapped signal ends `wait` early
    interrupted=
    wait "$job" && code=0 || code=$?
    [ -n "$interrupted" ] || break
  done
  job=
  return "$code"
}

table=$'experiment\ttraining\tdrawing' failed=
for name in "$@"; do
  [ -z "$stopped" ] || exit 75
  say "== $name, $size"
  begin=$SECONDS
  train "$name" && code=0 || code=$?
  [ "$code" != 75 ] || exit 75
  [ "$code" = 0 ] || failed+=" $name"
  trained=$SECONDS
  if [ "$code" != 2 ]; then # else there may be nothing to draw
    "$PYTHON" "$root/analysis/draw.py" "$root/configs/$name.toml" "$root/results/$name/$size" --size "$size" ||
      [[ $failed == *" $name"* ]] || failed+=" $name"
  fi
  table+=$'\n'"$name"$'\t'"$((trained - begin)) s"$'\t'"$((SECONDS - trained)) s"
done
column -t -s$'\t' <<<"$table" 2>/dev/null || echo "$table"
[ -z "$failed" ] || die "not as they should be:$failed"

#!/usr/bin/env bash
# Install what is needed, train on this machine's cores, and plot.
#   bash jobs/local.sh                                four corners at the paper's scale
#   bash jobs/local.sh CONFIG [RANKS] [OPTION...]     any configuration; options go to `esmaml train`
# Results: results/CONFIG's name.h5 and .png. Run again after an interruption, it continues. Ctrl-C or TERM saves first and exits with 75.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

config=${1:-$root/configs/four_corners.toml}
[ -f "$config" ] || die "no configuration $config"
shift || true
ranks=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
if [[ ${1:-} =~ ^[0-9]+$ ]]; then ranks=$1; shift; fi
[ "$ranks" -ge 1 ] || die "RANKS must be at least 1"

output=$root/results/$(basename "$config" .toml).h5
existing=--resume
for ((i = 1; i <= $#; i++)); do
  case "${!i}" in
    --output) j=$((i + 1)); output=${!j:?--output needs a file} ;;
    --output=*) output=${!i#--output=} ;;
    --overwrite | --resume) existing= ;;
  esac
done

prepare analysis mpi mujoco gymnasium
# In a process group of its own, so that Ctrl-C reaches this script alone; mpirun would kill its ranks within a quarter of a second, while
# USR1 lets them finish the iteration and write.
set -m
"${MPIRUN[@]}" -n "$ranks" "$ESMAML" train "$config" --output "$output" $existing "$@" <&- &
job=$!
trap 'interrupted=1; say "saving..."; kill -USR1 $job 2>/dev/null' INT TERM USR1
while :; do
  interrupted=
  wait $job && code=0 || code=$?
  [ -n "$interrupted" ] || break  # a trapped signal ends wait early: wait again
done
# Launchers end with 0 when all ranks were killed; whether the run is done only its file tells.
if ! "$ESMAML" train "$config" --output "$output" "$@" --is-complete >/dev/null; then
  [ $code != 0 ] || { say "the run is not complete; run this again to go on"; code=1; }
fi
[ $code = 0 ] || exit $code
"$PYTHON" "$root/analysis/plot_run.py" "$output" --output "${output%.h5}.png"

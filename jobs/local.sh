#!/usr/bin/env bash
# Install what is needed, train on all cores of this machine, and draw what came of it.
#   bash jobs/local.sh                                configs/recommended/four_corners_few_trials.toml: seconds on two cores
#   bash jobs/local.sh configs/four_corners.toml      four corners with the paper's own settings
#   bash jobs/local.sh CONFIG [RANKS] [OPTION...]     any configuration; options go to `esmaml train`
# Results: results/CONFIG's name.h5 and .png. Run again after an interruption, it continues. Ctrl-C or TERM saves first and exits with 75.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

first=$root/configs/recommended/four_corners_few_trials.toml
config=${1:-$first}
[ -f "$config" ] || die "no configuration $config"
shift || true
ranks=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) # nproc heeds these
if [[ ${1:-} =~ ^[0-9]+$ ]]; then ranks=$1; shift; fi
[ "$ranks" -ge 1 ] || die "RANKS must be at least 1"

output=$root/results/$(basename "$config" .toml).h5
[ "$PWD" != "$root" ] || output=${output#"$root/"}
existing=--resume
for ((i = 1; i <= $#; i++)); do
  case "${!i}" in
    --output) j=$((i + 1)); output=${!j:?--output needs a file} ;;
    --output=*) output=${!i#--output=} ;;
    --overwrite | --resume) existing= ;;
  esac
done

prepare analysis mpi mujoco gymnasium
say "training $(basename "$config") with $ranks rank$([ "$ranks" = 1 ] || echo s); Ctrl-C saves, and the same command goes on from there"
# In a process group of its own, so that Ctrl-C reaches this script alone; mpirun would kill its ranks within a quarter of a second, while
# USR1 lets them finish the iteration and write.
set -m
# Until the program takes USR1 over it must not end the launcher or the ranks; so it is sent again until they have heard it.
(trap '' USR1 && exec "${MPIRUN[@]}" -n "$ranks" "$ESMAML" train "$config" --output "$output" $existing "$@" <&-) &
job=$!
stop() {
  interrupted=1
  say "saving..."
  kill -USR1 $job 2>/dev/null || true
  while sleep 5 && kill -USR1 $job 2>/dev/null; do :; done &
}
trap stop INT TERM USR1
while :; do
  interrupted=
  wait $job && code=0 || code=$?
  [ -n "$interrupted" ] || break  # a trapped signal ends wait early: wait again
done
[ $code != 2 ] || exit 2
# Whether the run is done only its file tells: launchers end with 0 when all ranks were killed, and with something else
# when the last of them left in an unusual way.
if ! "$ESMAML" train "$config" --output "$output" "$@" --is-complete >/dev/null; then
  [ $code != 0 ] || { say "the run is not complete; run this again to go on"; code=1; }
  exit $code
fi
picture=${output%.h5}.png
"$PYTHON" "$root/analysis/plot_run.py" "$output" --output "$picture" >/dev/null
if [ "$config" = "$first" ]; then
  last="bash ${BASH_SOURCE[0]} $root/configs/four_corners.toml   # the same task with the paper's own settings"
else
  last="esmaml report $output   # all there is to say of it, on one page"
fi
cat <<END
picture: $picture
next, after \`. ${venv#"$PWD/"}/bin/activate\`:
  esmaml evaluate $output   # adapts to the test tasks again, with fresh randomness
  esmaml info $output       # how the run went
  ${last//"$PWD/"/}
END

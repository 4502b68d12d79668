#!/usr/bin/env bash
# The one test command: installs what the tests need and runs them, those under a real mpirun included.
#   bash tests/run.sh [--quick] [--coverage] [ARGUMENT...]
#   --quick      leaves out the tests that are marked as slow: about two minutes on two cores
#   --coverage   says which share of the lines was run, and which files have less than 90 % of theirs
#   ARGUMENT     goes to pytest: a folder, a file, -k WORDS, ...
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"
quick='' coverage=''
while :; do
  case "${1:-}" in
    --quick) quick=1 ;;
    --coverage) coverage=1 ;;
    *) break ;;
  esac
  shift
done
prepare analysis mpi mujoco gymnasium decoders cma render baselines tensorboard onnx tune docs test build dev
cd "$root"
export ESMAML_TEST_MPIRUN="${MPIRUN[*]}"

cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
side_by_side=(-n $((cores < 4 ? cores : 4)) --dist loadfile)  # each file's tests in one process, which makes its fixtures once
measure=()
if [ -n "$coverage" ]; then
  "$PYTHON" -m coverage erase
  measure=(-m coverage run)
fi
run_pytest() { "$PYTHON" "${measure[@]}" -m pytest "$@" || code=$?; }

code=0
if [ -n "$quick" ]; then
  run_pytest -m "not slow" "${side_by_side[@]}" "$@"
elif [ $# -gt 0 ]; then
  run_pytest "$@"
else
  # Jobs of many ranks want the cores for themselves.
  run_pytest "${side_by_side[@]}" --ignore tests/parallel --ignore tests/network --ignore tests/slurm --ignore tests/docs
  run_pytest tests/parallel tests/network tests/slurm tests/docs
fi
if [ -n "$coverage" ]; then
  "$PYTHON" -m coverage combine --quiet >/dev/null 2>&1  # it names each file that a killed process has left unfinished
  "$PYTHON" -m coverage report | awk 'NR <= 2 || /^TOTAL/ || $NF + 0 < 90'
fi
exit $code

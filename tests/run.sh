#!/usr/bin/env bash
# The one test command: installs what the tests need and runs them, those under a real mpirun included. Arguments go to pytest.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"
prepare analysis mpi mujoco gymnasium decoders render baselines tensorboard docs test build
cd "$root"
export ESMAML_TEST_MPIRUN="${MPIRUN[*]}"
exec "$PYTHON" -m pytest "$@"

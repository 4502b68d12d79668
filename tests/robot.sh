#!/usr/bin/env bash
# A robot's computer: the wheel with what it requires, NumPy and h5py, and nothing of its optional parts. Adapts, acts
# and exports there from results files alone; the first command that fails ends it.
#   bash tests/robot.sh WHEEL
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"

[ $# = 1 ] || die "usage: bash tests/robot.sh WHEEL"
wheel=$(realpath "$1")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/esmaml-robot.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cp "$root/esmaml_mpi/zoo/models/quadruped.h5" "$root/examples/robot_driver.py" "$scratch"
unset PYTHONPATH PYTHONHOME
venv=$scratch/venv
make_venv
pip_install "$wheel"
PATH=$venv/bin:$PATH
cd "$scratch"

python - <<'CODE'
import importlib.util, sys
import esmaml_mpi

assert esmaml_mpi.__file__.startswith(sys.prefix), esmaml_mpi.__file__
there = [name for name in ("mujoco", "gymnasium", "mpi4py", "scipy", "matplotlib", "jax") if importlib.util.find_spec(name)]
assert not there, there
print("no simulator, no MPI: numpy and h5py")
CODE

cat >trial.sh <<'SHELL'
#!/bin/sh
# Answers as a robot would: the policy acts on one observation; its first action is the reward.
echo "0.01 -0.02 0.1 0 0 0 0 0 0 0 0 0 0 1" | python robot_driver.py "$1" | cut -d' ' -f1
SHELL
chmod +x trial.sh

esmaml info quadruped.h5 | tail -n 3
printf '%s\n' '0,5  # decimal comma' undo 0.5 'note wheel' list best quit | { esmaml adapt quadruped.h5 --session q.h5 || [ $? = 75 ]; }
esmaml adapt --session q.h5 --command './trial.sh {policy}' --limit 60 | tail -n 2
esmaml export quadruped.h5 --policy npz --output meta.npz
echo "0 0 0 0 0 0 0 0 0 0 0 0 0 1" | python robot_driver.py meta.npz | wc -w | grep -qx ' *12'

python - <<'CODE'
import numpy as np
from esmaml_mpi import MetaPolicy, Session, read_results

meta = MetaPolicy(read_results("quadruped.h5"))
assert meta.act(meta.theta, np.zeros(14)).shape == (12,) and meta.interface.rate == 100.0
with Session.open("q.h5") as session:
    assert session.done and session.trials == 50, session.trials
    session.undo()
    session.tell(1.0, "by Python")
    assert session.done
with Session.create("p.h5", "quadruped.h5", seed=3) as session:
    while not session.done:
        session.tell(-float(np.square(session.ask() - 0.1).sum()))
    print(session.confidence)
CODE
echo "a robot's computer needs the wheel and the results file"

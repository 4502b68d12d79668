#!/usr/bin/env bash
# Trains the meta-policies of the zoo, one after the other, and puts them into the package. Stopped, it goes on where it
# was. The point tasks and CartPole take a minute together, the MuJoCo bodies minutes each on a core of their own.
#   bash zoo/train.sh [NAME...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHONPATH=$PWD # models go into this checkout, whatever is installed
[ $# -gt 0 ] || set -- $(basename -s .toml zoo/*.toml)
for name in "$@"; do
  python -m esmaml_mpi train "zoo/$name.toml" --output "results/zoo/$name.h5" --resume
  repeats=20
  [ "$name" != quadruped ] || repeats=5 # an adaptation is 50 episodes of 300 steps
  python zoo/pack.py "results/zoo/$name.h5" --repeats $repeats
done

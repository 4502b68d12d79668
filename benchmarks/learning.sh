#!/usr/bin/env bash
# Does it learn? Runs over seeds, one process per core; continues where it was stopped.
#   bash benchmarks/learning.sh [CAMPAIGN=four_corners] [SEEDS=5] [FOLDER=results/learning/CAMPAIGN]
# four_corners  at the paper's scale, linear and width 32, the paper's plain ascent and Adam
# locomotion    forward-backward HalfCheetah, with shared rollouts and, for as many environment steps, without; and CartPole
# Leaves FOLDER/*.h5, a figure for each configuration, and its table.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"
campaign=${1:-four_corners} seeds=${2:-5}
folder=${3:-$root/results/learning/$campaign}

four_corners() {  # a line per run: configuration, name, overrides
  local paper="$1 meta.iterations=600" adam="meta.optimizer=adam meta.step_size=0.03"
  echo "four_corners linear_paper $paper policy.hidden=[]"
  echo "four_corners linear_still $paper policy.hidden=[] policy.output_gain=0"
  echo "four_corners linear_adam $paper policy.hidden=[] policy.output_gain=0 $adam"
  echo "four_corners hidden_paper $paper"
  echo "four_corners hidden_adam $paper $adam"
}

locomotion() {
  local cheetah=half_cheetah_forward_backward
  echo "$cheetah shared $1"
  # An evaluation is 21 + 2 rollouts with shared queries and 2 x (21 + 1) without.
  echo "$cheetah own $1 adaptation.share_rollouts=false meta.iterations=42"
  echo "cartpole_sensor_bias full $1"
}

train() {
  local config=$1 name=$1_$2_$3 setting
  local -a sets=(--set "run.seed=$3")
  shift 3
  for setting in "$@"; do sets+=(--set "$setting"); done
  "$ESMAML" train "$root/configs/$config.toml" "${sets[@]}" --output "$folder/$name.h5" --resume >"$folder/$name.log" 2>&1 ||
    { say "$name failed, see $folder/$name.log"; return 1; }
}

case $campaign in
  four_corners | locomotion) ;;
  *) die "campaign $campaign: four_corners or locomotion is wanted" ;;
esac
prepare analysis mpi mujoco gymnasium
mkdir -p "$folder"
export -f train say
export ESMAML root folder
for ((seed = 0; seed < seeds; seed++)); do "$campaign" "$seed"; done | xargs -P "$(nproc)" -L 1 bash -c 'train "$@"' _
for config in $("$campaign" 0 | cut -d' ' -f1 | sort -u); do
  "$PYTHON" "$root/analysis/learning_curves.py" "$folder/$config"_*.h5 --x env_steps --output "$folder/$config.png"
done

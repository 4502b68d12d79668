#!/usr/bin/env bash
# Does it learn? Four corners at the paper's scale, linear and width 32, the paper's plain ascent and Adam, over seeds.
#   bash benchmarks/learning.sh [SEEDS=5] [ITERATIONS=600] [FOLDER=results/learning]
# One process per core, one run each; continues where it was stopped. Leaves FOLDER/*.h5, FOLDER/learning.png and a table.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"
prepare analysis mpi
seeds=${1:-5} iterations=${2:-600} folder=${3:-$root/results/learning}
mkdir -p "$folder"

runs() {  # a line per run: name, then overrides
  local seed
  for seed in $(seq 0 $((seeds - 1))); do
    echo "linear_paper_$seed run.seed=$seed policy.hidden=[]"
    echo "linear_still_$seed run.seed=$seed policy.hidden=[] policy.output_gain=0"
    echo "linear_adam_$seed run.seed=$seed policy.hidden=[] policy.output_gain=0 meta.optimizer=adam meta.step_size=0.03"
    echo "hidden_paper_$seed run.seed=$seed"
    echo "hidden_adam_$seed run.seed=$seed meta.optimizer=adam meta.step_size=0.03"
  done
}

train() {
  local name=$1 setting
  local -a sets=()
  shift
  for setting in "$@"; do sets+=(--set "$setting"); done
  "$ESMAML" train "$root/configs/four_corners.toml" "${sets[@]}" --set "meta.iterations=$iterations" \
    --output "$folder/$name.h5" --resume >"$folder/$name.log" 2>&1 || { say "$name failed, see $folder/$name.log"; return 1; }
}
export -f train say
export ESMAML root folder iterations

runs | xargs -P "$(nproc)" -L 1 bash -c 'train "$@"' _
"$PYTHON" "$root/analysis/learning_curves.py" "$folder"/*.h5 --output "$folder/learning.png"

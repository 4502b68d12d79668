#!/usr/bin/env bash
# Adaptation operators compared over seeds, one process per core; continues where it was stopped.
#   bash benchmarks/operators.sh [CAMPAIGN=corners] [SEEDS=5] [FOLDER=results/operators/CAMPAIGN]
# corners      MC, DPP and hill climbing at K = 20, 10 and 5 on four corners, plain and with penalised wrong corners
# linear       MC and DPP with a linear policy, whose six parameters leave DPP something to choose
# noise        sequential, average and batch hill climbing with 50 rollouts under noisy rewards, meta-trained under the same
# six_circles  hill climbing where all six goals have to be visited
# Leaves FOLDER/*.h5 and, but for six_circles, a figure with its table; for six_circles a picture of each run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"
campaign=${1:-corners} seeds=${2:-5}
folder=${3:-$root/results/operators/$campaign}

outer="meta.estimator=antithetic meta.current_evaluations=1 meta.optimizer=adam meta.step_size=0.03 checkpoint.every=0"
climb="adaptation.operator=hill_climbing"

corners() {  # a line per run: name, overrides
  local variant penalty k common
  for k in 20 10 5; do
    for variant in plain penalised; do
      penalty=0; [ "$variant" = plain ] || penalty=10000
      common="$1 $outer meta.iterations=200 meta.perturbations=40 policy.hidden=[8] policy.output_gain=0.3"
      common+=" task.options={penalty=$penalty} adaptation.queries=$k adaptation.share_rollouts=true"
      common+=" test.every=50 test.repeats=25"
      echo "mc_${variant}_$k $common"
      # The released code's rho; its kernel's length has this policy's d = 42 in its range.
      echo "dpp_${variant}_$k $common adaptation.directions=dpp adaptation.direction_options={rho=5,absolute_length=5.0}"
      echo "hc_${variant}_$k $common $climb"
    done
  done
}

linear() {
  local k common dpp="adaptation.directions=dpp adaptation.direction_options={rho=5,absolute_length=5.0}"
  for k in 20 10 5; do
    common="$1 $outer meta.iterations=200 meta.perturbations=40 policy.hidden=[] policy.output_gain=0.3"
    common+=" adaptation.queries=$k adaptation.share_rollouts=true test.every=50 test.repeats=25"
    echo "mc_linear_$k $common"
    echo "dpp_linear_$k $common $dpp"
  done
}

noise() {  # 50 rollouts each: 1 + 49, (1 + 9) x 5, (1 + 9) x 5
  local std common
  for std in 0 10 30 100; do
    common="$1 $outer $climb task.name=navigation_2d task.train_size=50 task.batch_size=5 task.test_size=20"
    common+=" task.corruption={noise_std=$std.0} meta.iterations=80 meta.perturbations=24 policy.hidden=[8]"
    common+=" policy.output_gain=0.3 test.every=40 test.repeats=5"
    echo "sequential_$std $common adaptation.queries=49"
    echo "average_$std $common adaptation.scheme=average adaptation.evaluations=5 adaptation.queries=9"
    echo "batch_$std $common adaptation.scheme=batch adaptation.evaluations=5 adaptation.queries=9"
  done
}

six_circles() {
  local common="$1 $outer $climb run.name=six_circles task.name=six_circles"
  common+=" task.train_size=1 task.batch_size=1 task.test_size=1 meta.iterations=600 meta.perturbations=80"
  common+=" test.every=50 test.repeats=10"
  echo "relu $common policy.output_gain=0.3"
  echo "tanh $common policy.activation=tanh task.horizon=300 meta.sigma=0.2 meta.iterations=900"
}

train() {
  local name=$1_$2 setting
  local -a sets=(--set "run.seed=$2")
  shift 2
  for setting in "$@"; do sets+=(--set "$setting"); done
  "$ESMAML" train "$root/configs/four_corners.toml" "${sets[@]}" --output "$folder/$name.h5" --resume >"$folder/$name.log" 2>&1 ||
    { say "$name failed, see $folder/$name.log"; return 1; }
}

case $campaign in
  corners | linear | noise | six_circles) ;;
  *) die "campaign $campaign: corners, linear, noise or six_circles is wanted" ;;
esac
prepare analysis mpi
mkdir -p "$folder"
export -f train say
export ESMAML root folder
for ((seed = 0; seed < seeds; seed++)); do "$campaign" "$seed"; done | xargs -P "$(nproc)" -L 1 bash -c 'train "$@"' _
if [ "$campaign" = six_circles ]; then
  for run in "$folder"/*.h5; do "$PYTHON" "$root/analysis/plot_run.py" "$run"; done
else
  "$PYTHON" "$root/analysis/operators.py" "$folder"/*.h5 --output "$folder/$campaign.png"
fi

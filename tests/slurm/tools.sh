# Sourced by run.sh and lose_nodes.sh: starts the lab in a scratch folder and removes it, and what both ask of jobs.
#   begin NODES [--keep]     the lab with so many nodes; sets here, home, scratch, jobs, python, and changes to scratch
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=$(cd "$here/../.." && pwd)
jobs=$home/jobs
patience=240 # seconds for anything that should happen; it may be a busy machine

clean_up() {
  trap - EXIT INT TERM
  bash "$here/lab.sh" stop "$scratch/lab" || true
  if [ "$keep" = --keep ]; then echo "kept $scratch"; else rm -rf "$scratch"; fi
}

begin() {
  keep=${2:-}
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/esmaml-slurm.XXXXXX")
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  # An outer job or a user's settings must not decide what is tested.
  unset "${!SLURM_@}" "${!SBATCH_@}" ESMAML_LAUNCHER ESMAML_LAUNCHER_OPTIONS ESMAML_HOME ESMAML_RANKS
  bash "$here/lab.sh" start "$scratch/lab" "$1"
  export SLURM_CONF=$scratch/lab/slurm.conf
  if [ -z "${ESMAML_VENV:-}" ]; then
    . "$home/jobs/common.sh"
    prepare analysis mpi >"$scratch/prepare.log" 2>&1 || { cat "$scratch/prepare.log"; exit 1; }
    ESMAML_VENV=$home/.venv
  fi
  export ESMAML_VENV
  python=$ESMAML_VENV/bin/python
  cd "$scratch"
}

# A run that lasts for a while.
long_config() { # ITERATIONS
  cat <<CONFIG
[run]
seed = 5
[task]
horizon = 50
options = { reward = "squared_distance" }
[policy]
hidden = [8]
[adaptation]
queries = 10
[meta]
iterations = $1
perturbations = 12
current_evaluations = 8
[test]
every = 50
repeats = 1
[checkpoint]
every = 25
CONFIG
}

declare -A job began
passed=0 failed=0 skipped=0

submit() { # NAME SBATCH-ARGUMENT...
  local name=$1
  shift
  job[$name]=$(timeout 30 sbatch --parsable "$@")
  began[$name]=$SECONDS
}
two_nodes() { # NAME OPTION...: the options of a job of five ranks on two nodes
  echo --nodes=2 --ntasks=5 --output="$scratch/$1.log"
}
wait_until() { # COMMAND...
  local end=$((SECONDS + patience))
  until "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || { echo "  gave up waiting for: $*"; return 1; }
    sleep 0.2
  done
}
field() { # JOB FIELD
  timeout 20 scontrol show job -o "$1" | grep -oE "(^| )$2=[^ ]*" | head -n 1 | cut -d= -f2
}
is_over() { [[ $(field "$1" JobState) =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL)$ ]]; }
ended() { # JOB STATE [EXIT-CODE]
  local state
  wait_until is_over "$1" || return
  state="$(field "$1" JobState) $(field "$1" ExitCode)"
  [[ $state == "$2 ${3:-0}:"* ]] || { echo "  job $1 ended as $state, expected $2 ${3:-0}"; return 1; }
}
log_has() { grep -qE "$2" "$scratch/$1.log" || { echo "  no '$2' in $1.log"; return 1; } }
works() { grep -q '^iteration' "$scratch/$1.log"; } # its first iteration is done
progress() { # FILE ITERATIONS: that many are in its checkpoint, not yet all
  "$python" - "$@" <<'CODE'
import sys, h5py
with h5py.File(sys.argv[1], locking=False) as file:
    sys.exit(int(file["checkpoint/iteration"][()]) < int(sys.argv[2]))
CODE
}
same() { # FILE EXPECTED: the same numbers, bit for bit
  "$python" - "$@" <<'CODE'
import sys, h5py
found, expected = (h5py.File(path, "r") for path in sys.argv[1:])
names = ["train/iteration", "train/values", "train/gradient_norm", "parameters/value", "normalization/mean"]
different = [name for name in [*names, "test/iteration", "test/before", "test/after", "checkpoint/theta"]
             if found[name].shape != expected[name].shape or found[name][()].tobytes() != expected[name][()].tobytes()]
if different:
    sys.exit(f"  {sys.argv[1]} differs from {sys.argv[2]} in {', '.join(different)}")
CODE
}
check() { # NAME TEXT COMMAND...: NAME is that of a submitted job
  local name=$1 text=$2 verdict
  shift 2
  if "$@"; then
    verdict=PASS passed=$((passed + 1))
  else
    verdict=FAIL failed=$((failed + 1))
    for log in "$scratch/$name".log "$scratch/$name"-*.log; do
      if [ -e "$log" ]; then tail -n 25 "$log" | sed 's/^/  | /'; fi
    done
  fi
  printf '%s  %s (%d s)\n' "$verdict" "$text" $((SECONDS - began[$name]))
}
skip() { skipped=$((skipped + 1)); echo "SKIP  $1"; }
# Processes of these ranks of a job, all of them without RANK.
ranks_of() { # JOB [RANK...]
  local job=$1
  shift
  grep -slzxF "SLURM_JOB_ID=$job" /proc/[0-9]*/environ |
    xargs -r grep -slzxE "PMIX_RANK=($(IFS='|'; echo "${*:-[0-9]+}"))" | cut -d / -f 3
}
restarted() { [ "$(field "${job[$1]}" Restarts)" -ge 1 ]; }
unfinished() { ! progress "$1.h5" 1000 || { echo "  $1 was over before it was disturbed"; return 1; }; }
gone() { [ -z "$(timeout 20 squeue -h -j "$1")" ]; }
last_node() { timeout 20 scontrol show hostnames "$(field "${job[$1]}" NodeList)" | tail -n 1; }

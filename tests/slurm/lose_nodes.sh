#!/usr/bin/env bash
# Loses nodes of running jobs in a Slurm on this machine (lab.sh), and prints a table of what became of the jobs.
#   tests/slurm/lose_nodes.sh [--trials 20] [--kinds "killed silent slurmd down first"] [--launchers "mpirun srun"]
#     [--iterations 1200] [--keep]
# Kinds: every process of a node killed, Slurm's and the launcher's daemons among them; its cable pulled for good; its
# slurmd killed; set down with scontrol; and the cable of the first node, where the job script runs, pulled.
# Of each kind so many trials, over the launchers in turn. A job has to go on, or end with another code than 0, within 60
# seconds, or finish; and the finished file to have the bits of one process. Exit code 0, 1, or 77 as run.sh.
set -euo pipefail

iterations=1200 trials=20 kinds="killed silent slurmd down" launchers="mpirun srun" keep='' at_once=4
while [ $# -gt 0 ]; do
  case "$1" in
    --trials) trials=$2 && shift ;;
    --kinds) kinds=$2 && shift ;;
    --launchers) launchers=$2 && shift ;;
    --iterations) iterations=$2 && shift ;;
    --keep) keep=--keep ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
begin $((3 * at_once + 3)) "$keep"
export ESMAML_HOME=$home
long_config $iterations >long.toml
"$ESMAML_VENV/bin/esmaml" train long.toml --output expected.h5 >/dev/null

node_is() { bash "$home/tests/network/nodes.sh" "$1" "$scratch/lab/net" "${@:2}"; } # COMMAND NODE...

disturb() { # KIND NODE
  case "$1" in
    killed) node_is pids "$2" | xargs -r kill -KILL 2>/dev/null || true ;; # some end before it is their turn
    silent | first) node_is link "$2" down ;;
    slurmd) kill -KILL "$(cat "$scratch/lab/pid/$2")" ;;
    down) timeout 20 scontrol update nodename="$2" state=down reason=test ;;
  esac
}

# Its state, as far as it is known without the node that is lost: Slurm waits for that for SlurmdTimeout.
state() { # NAME
  local state
  state=$(field "${job[$1]}" JobState)
  if [ "$state" = COMPLETING ] && progress "$1.h5" $iterations 2>/dev/null; then state=COMPLETED; fi
  echo "$state $(field "${job[$1]}" ExitCode)"
}
over() { [[ $(state "$1") =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL) ]]; }

# What became of a job, as soon as it can be told.
fate() { # NAME
  if grep -q 'the run goes on with' "$1.log"; then
    echo "goes on with what is left"
  elif restarted "$1"; then
    echo "requeued"
  elif over "$1"; then
    echo "ended, $(state "$1")"
  else
    return 1
  fi
}

trial() { # NAME KIND LAUNCHER
  local name=$1 kind=$2 node start first=nothing seconds=- verdict=same began_at=$SECONDS
  export ESMAML_LAUNCHER=$3
  [ "$3" = mpirun ] || ESMAML_LAUNCHER="srun --mpi=pmix"
  submit "$name" --nodes=3 --ntasks=6 --ntasks-per-node=2 --exclusive --output="$scratch/$name.log" \
    "$jobs/train.slurm" long.toml --output "$name.h5"
  wait_until works "$name" && wait_until progress "$name.h5" 25 || { echo "| $kind | $3 | did not start | | | |"; return 1; }
  node=$(last_node "$name")
  [ "$kind" != first ] || node=$(timeout 20 scontrol show hostnames "$(field "${job[$name]}" NodeList)" | head -n 1)
  progress "$name.h5" $iterations && { echo "| $kind | $3 | was over before | | | |"; return 1; }
  disturb "$kind" "$node"
  start=$SECONDS
  while [ $((SECONDS - start)) -lt 420 ]; do
    if first=$(fate "$name"); then seconds=$((SECONDS - start)) && break; fi
    sleep 0.5
  done
  while ! over "$name" && [ $((SECONDS - start)) -lt 600 ]; do sleep 1; done
  [ "$kind" = first ] || [ "${seconds/-/999}" -le 60 ] || [ "$first" = "ended, COMPLETED 0:0" ] || verdict="LATE"
  if ! over "$name"; then
    verdict="HANGS"
    timeout 20 scancel "${job[$name]}"
  elif [[ $(state "$name") != "COMPLETED 0:0" ]]; then # what a user does
    submit "$name" --nodes=3 --ntasks=6 --output="$scratch/$name.log" "$jobs/train.slurm" long.toml --output "$name.h5"
    wait_until over "$name" || verdict="HANGS when submitted again"
  fi
  same "$name.h5" expected.h5 || verdict="DIFFERS"
  echo "| $kind | $3 | $first | $seconds | $((SECONDS - start)) | $verdict |"
  bash "$here/lab.sh" revive "$scratch/lab" "$node" || true
  [ "$verdict" = same ] && { [ "$keep" = --keep ] || rm -f "$name".h5* "$name.log"; }
}

echo "| node lost | launcher | the job | after s | over after s | bits |"
echo "|---|---|---|---|---|---|"
read -ra launcher <<<"$launchers"
running=() failed=0 done=0
collect() { wait "$1" && code=0 || code=$?; done=$((done + 1)) failed=$((failed + (code != 0))); }
for kind in $kinds; do
  for ((k = 0; k < trials; k++)); do
    if [ ${#running[@]} -ge $at_once ]; then
      collect "${running[0]}"
      running=("${running[@]:1}")
    fi
    (trap - EXIT INT TERM; trial "$kind$k" "$kind" "${launcher[k % ${#launcher[@]}]}") &
    running+=($!)
  done
done
for process in "${running[@]}"; do collect "$process"; done
echo "$done nodes lost, $failed failed"
[ "$failed" = 0 ]

# Sourced by jobs/*.slurm, after Slurm has started the batch script on the job's first node.
#   train CONFIG [OPTION...]         train with all ranks of the job; before its time limit the run saves and requeues
#   work COMMAND [ARGUMENT...]       the same for any command of esmaml that saves on USR1 and continues when started again
#   results_of CONFIG [OPTION...]    the results file that these arguments mean
#   launch RANKS THREADS COMMAND...  become the launcher that runs COMMAND on that many ranks
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/jobs/site.sh"

[ -x "$venv/bin/esmaml" ] ||
  die "No esmaml in $venv: install it there, or set venv in $root/jobs/site.sh."
PATH=$venv/bin:$PATH
if [ "$(id -u)" = 0 ]; then # test clusters in containers; Open MPI refuses to run as root unless told twice
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

launch() {
  local ranks=$1 threads=$2 command version
  shift 2
  read -ra command <<<"$launcher"
  case "${command[0]##*/}" in
    # Newer Slurm does not hand sbatch's --cpus-per-task on to srun. --wait: when one rank has ended, the others may not
    # outlive it for long. (--kill-on-bad-exit would end them at once, also after exit code 75, which is a good one.)
    srun) command+=(--ntasks="$ranks" --cpus-per-task="$threads" --wait=60) ;;
    mpirun | mpiexec)
      version=$("${command[0]}" --version 2>/dev/null) || true
      if [[ $version =~ \(Open\ MPI\)\ ([0-9]+) ]]; then
        # Ranks may float over the cores of their node: bound to one core, the threads of a hybrid job would share it.
        command+=(--bind-to none)
        # From version 5 on, the survivors of a rank's death can finish the run.
        [ "${BASH_REMATCH[1]}" -lt 5 ] || command+=(--with-ft ulfm)
      fi
      command+=(-n "$ranks")
      ;;
    *) die "jobs/site.sh: the launcher must be srun, mpirun or mpiexec with options, not '$launcher'" ;;
  esac
  # shellcheck disable=SC2206
  command+=($launcher_options "$@")
  export ESMAML_RANKS=$ranks # lets a rank that sees itself alone know that it should not be
  say "${command[*]}"
  exec "${command[@]}"
}

results_of() {
  local file
  [ $# -gt 0 ] || die "usage: sbatch jobs/NAME.slurm CONFIG [options of esmaml train]"
  file=results/$(basename "$1" .toml).h5
  while [ $# -gt 0 ]; do
    case "$1" in
      --output) file=${2:?--output needs a file} ;;
      --output=*) file=${1#--output=} ;;
    esac
    shift
  done
  echo "$file"
}

# USR1 comes from Slurm before the time limit, TERM from scancel or preemption. Ranks take USR1 as "finish this
# iteration, save, exit with 75", and every launcher passes it on.
pass_on() {
  signalled=$1
  interrupted=yes
  say "$1 received: the run saves and stops"
  kill -USR1 "$step" 2>/dev/null || true
}

train() {
  local output
  output=$(results_of "$@")
  work train "$@" --output "$output" --resume
}

work() {
  local code
  say "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), $(date '+%F %T')," \
    "${SLURM_NTASKS:=1} ranks on $SLURM_JOB_NODELIST"
  launch "$SLURM_NTASKS" "${SLURM_CPUS_PER_TASK:-1}" \
    "$venv/bin/esmaml" "$@" </dev/null &
  step=$! signalled=
  trap 'pass_on USR1' USR1
  trap 'pass_on TERM' TERM INT
  while :; do # a trapped signal ends `wait` before the step has ended
    interrupted=
    wait "$step" && code=0 || code=$?
    [ -n "$interrupted" ] || break
  done
  [ "$code" = 75 ] || exit "$code"
  # Saved, not finished: back into the queue, unless somebody wants the job to end: then its state is not RUNNING.
  if [ "$signalled" = TERM ] || [ -z "$(squeue -h -j "$SLURM_JOB_ID" -t RUNNING -o %A)" ]; then
    say "saved; if Slurm does not start this job again by itself, submit the same command to continue"
  elif scontrol requeue "$SLURM_JOB_ID"; then
    say "saved; job $SLURM_JOB_ID is back in the queue"
  else
    say "saved, but this job may not be requeued: submit the same command again to continue"
  fi
  exit 75
}

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
# iteration, save, exit with 75", and every launcher passes it on. It is sent again and again: ranks that are still
# starting do not hear it.
pass_on() {
  signalled=$1
  interrupted=yes
  say "$1 received: the run saves and stops"
  kill -USR1 "$step" 2>/dev/null || true
  [ -z "$again" ] || return 0
  while sleep 5 && kill -USR1 "$step" 2>/dev/null; do :; done &
  again=$!
}

train() {
  local output
  output=$(results_of "$@")
  work train "$@" --output "$output" --resume
}

# How far the run is, from its results file alone, as "FILE: incomplete, iteration 825 of 3000"; 0 if it is complete.
how_far() { ESMAML_RANKS='' ESMAML_IGNORE_SLURM_NTASKS=1 "$venv/bin/esmaml" "$@" --is-complete </dev/null; }

iteration() { # STATE: the one that its text names
  local number=${1##*iteration }
  case "$number" in [0-9]*) echo "${number%% *}" ;; *) echo 0 ;; esac
}

# One launch of all ranks; sets code.
attempt() {
  # Until the program takes USR1 over it must not end the launcher or the ranks.
  (trap '' USR1 && launch "$SLURM_NTASKS" "${SLURM_CPUS_PER_TASK:-1}" "$venv/bin/esmaml" "$@" </dev/null) &
  step=$! again=
  while :; do # a trapped signal ends `wait` before the step has ended
    interrupted=
    wait "$step" && code=0 || code=$?
    [ -n "$interrupted" ] || break
  done
  [ -z "$again" ] || kill "$again" 2>/dev/null || true
}

work() {
  local before state code
  step='' again='' signalled=''
  trap 'pass_on USR1' USR1
  trap 'pass_on TERM' TERM INT
  say "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), $(date '+%F %T')," \
    "${SLURM_NTASKS:=1} ranks on $SLURM_JOB_NODELIST"
  before=$(how_far "$@") || [ $? = 75 ] || exit 2
  while :; do
    attempt "$@"
    # Whether the run is done only its file tells: launchers end with 0 when all ranks were killed, and with something
    # else when the last of them left in an unusual way.
    if state=$(how_far "$@"); then
      [ "$code" = 0 ] || say "complete, although the launcher ended with exit code $code"
      exit 0
    fi
    [ "$code" != 2 ] || exit 2
    if [ "$code" = 75 ] || [ "$signalled" = USR1 ]; then
      requeue "saved" || true
      exit 75
    fi
    [ "$code" != 0 ] || code=1
    if [ -n "$signalled" ] || [ "$(iteration "$state")" -le "$(iteration "$before")" ]; then
      say "not complete (exit code $code): $state"
      exit "$code"
    fi
    say "not complete (exit code $code), but further than before: $state"
    if requeue "unfinished"; then exit 75; fi
    before=$state # no other start is to be had: it goes on with what this job still has
  done
}

# Back into the queue, unless somebody wants the job to end: then its state is not RUNNING.
requeue() { # WHY
  if [ "$signalled" = TERM ] || [ -z "$(squeue -h -j "$SLURM_JOB_ID" -t RUNNING -o %A)" ]; then
    say "$1; if Slurm does not start this job again by itself, submit the same command to continue"
  elif scontrol requeue "$SLURM_JOB_ID"; then
    say "$1; job $SLURM_JOB_ID is back in the queue"
  else
    say "$1, but this job may not be requeued: submit the same command again to continue"
    return 1
  fi
}

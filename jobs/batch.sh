# Sourced by jobs/*.slurm, after Slurm has started the batch script on the job's first node.
#   train CONFIG [OPTION...]         train with all ranks of the job; before its time limit the run saves and requeues
#   work COMMAND [ARGUMENT...]       the same for any command of esmaml that saves on USR1 and continues when started again
#   results_of CONFIG [OPTION...]    the results file that these arguments mean
#   launch RANKS THREADS COMMAND...  become the launcher that runs COMMAND on that many ranks
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What sbatch has brought along from a shell that srun or a launcher has started: it is of that one's ranks. And srun is to
# hand on what is exported here, also where sbatch has brought nothing.
unset PMIX_RANK PMIX_NAMESPACE PMIX_HOSTNAME PMIX_SECURITY_MODE PMIX_PTL_MODULE ${!PMIX_SERVER_@} ${!OMPI_COMM_WORLD_@}
unset PMI_RANK PMI_SIZE PMI_FD PMI_JOBID PMI_PORT PMI_ID PMI_SPAWNED PMI_LOCAL_RANK PMI_LOCAL_SIZE PMI_UNIVERSE_SIZE
unset MPI_LOCALRANKID MPI_LOCALNRANKS ${!PALS_@} SLURM_EXPORT_ENV

# What this cluster needs: the defaults of site.example.sh, then the user's own file, the first that there is. A command
# in it that fails, as `module load` may, ends the job; its own scripts may read variables that nobody has set.
own_site() {
  local file
  for file in "${ESMAML_SITE:-}" "$root/jobs/site.sh" "${XDG_CONFIG_HOME:-${HOME:-}/.config}/esmaml/site.sh"; do
    if [ -n "$file" ] && [ -f "$file" ]; then
      echo "$file"
      return
    fi
  done
}
site=$(own_site)
[ -z "${ESMAML_SITE:-}" ] || [ "$site" = "$ESMAML_SITE" ] || die "ESMAML_SITE=$ESMAML_SITE: there is no such file"
. "$root/jobs/site.example.sh"
if [ -n "$site" ]; then
  set +eu # of functions like `module` and of activation scripts only the end counts
  trap 'die "$site, line $LINENO: a command has failed with exit code $?, and the job ends"' ERR
  . "$site"
  trap - ERR
  set -eu
fi
. "$root/jobs/stage.sh"

# Of an array the job is this task: SLURM_JOB_ID alone may name all of them.
own_job=${SLURM_ARRAY_TASK_ID:+${SLURM_ARRAY_JOB_ID:-}_$SLURM_ARRAY_TASK_ID}
[[ $own_job = [0-9]* ]] || own_job=${SLURM_JOB_ID:-}

[ -x "$venv/bin/esmaml" ] ||
  die "No esmaml in $venv: install it there, or set venv in ${site:-$root/jobs/site.sh (a copy of site.example.sh)}."
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
    srun)
      command+=(--ntasks="$ranks" --cpus-per-task="$threads" --wait=60)
      [ -z "$lost" ] || command+=(--nodes="$(left | wc -l)" --exclude="${lost// /,}")
      ;;
    mpirun | mpiexec)
      version=$("${command[0]}" --version 2>/dev/null) || true
      if [[ $version =~ \(Open\ MPI\)\ ([0-9]+) ]]; then
        # Ranks may float over the cores of their node: bound to one core, the threads of a hybrid job would share it.
        command+=(--bind-to none)
        # From version 5 on, the survivors of a rank's death can finish the run.
        [ "${BASH_REMATCH[1]}" -lt 5 ] || command+=(--with-ft ulfm)
        . "$root/jobs/keepalive.sh"
        [ -z "$lost" ] || command+=(--host "$(left_slots)")
      elif [ -n "$lost" ]; then
        command+=(-hosts "$(left_slots)")
      fi
      command+=(-n "$ranks")
      ;;
    *) die "jobs/site.sh: the launcher must be srun, mpirun or mpiexec with options, not '$launcher'" ;;
  esac
  # shellcheck disable=SC2206
  command+=($launcher_options "$@")
  # Slurm keeps the cores of a step that was on a lost node until it has given that node up.
  [ -z "$lost" ] || export SLURM_OVERLAP=1
  export ESMAML_RANKS=$ranks # lets a rank that sees itself alone know that it should not be
  say "${command[*]}"
  exec "${command[@]}"
}

results_of() {
  local file
  [ $# -gt 0 ] || die "usage: sbatch jobs/NAME.slurm CONFIG [options of esmaml train]"
  file=results/$(basename -- "$1" .toml).h5
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
  [ "$signalled" = TERM ] || signalled=$1 # who wants the job to end is not overruled by its time limit
  interrupted=yes
  say "$1 received: the run saves and stops"
  kill -USR1 "$step" 2>/dev/null || true
  [ -z "$again" ] || return 0
  while sleep 5 && kill -USR1 "$step" 2>/dev/null; do :; done &
  again=$!
}

train() {
  local output word
  [[ ${1:--} != -* ]] || die "usage: sbatch jobs/NAME.slurm CONFIG [options of esmaml train]"
  for word; do
    [ "$word" != --overwrite ] ||
      die "--overwrite: the job would begin again each time that it is requeued. Remove the results file and its .previous, or give another --output."
  done
  output=$(results_of "$@")
  work train "$@" --output "$output" --resume
}

# How far the run is, from its results file alone, as "FILE: incomplete, iteration 825 of 3000"; 0 if it is complete. Of a
# search "FOLDER: incomplete, 12 trials begun, 34 tests made".
how_far() { ESMAML_RANKS='' ESMAML_IGNORE_SLURM_NTASKS=1 "$venv/bin/esmaml" "$@" --is-complete </dev/null; }

iteration() { # STATE: the one that its text names, or how many tests; 0 where it names none
  local told='.*, iteration ([0-9]+) of [0-9]+' search='.*, ([0-9]+) tests? made'
  if [[ $1 =~ $told || $1 =~ $search ]]; then echo "${BASH_REMATCH[1]}"; else echo 0; fi
}

# ---- nodes that are lost -------------------------------------------------------------------------------------------

nodes() { scontrol show hostnames "$SLURM_JOB_NODELIST"; }
left() { nodes | grep -vxF "${lost// /$'\n'}"; }

# Nodes and the tasks that Slurm meant for each, as "n1 2", from its "2(x2),1".
tasks() {
  local count
  paste -d ' ' <(nodes) <(tr , '\n' <<<"$SLURM_TASKS_PER_NODE" | while read -r count; do
    yes "${count%%(*}" | head -n "$(case "$count" in *x*) tr -cd 0-9 <<<"${count#*x}" ;; *) echo 1 ;; esac)"
  done)
}
left_slots() { tasks | awk -v lost=" $lost " '!index(lost, " " $1 " ") { print $1 ":" $2 }' | paste -sd ,; }
left_ranks() { tasks | awk -v lost=" $lost " '!index(lost, " " $1 " ") { sum += $2 } END { print sum }'; }

# Ranks of this job on this node.
ranks_here() {
  grep -slzxF "SLURM_JOB_ID=$SLURM_JOB_ID" /proc/[0-9]*/environ | xargs -r grep -slzE '^PMIX?_RANK=' | cut -d / -f 3
}

# Adds to `lost` the nodes that the watch has found silent, and those on which Slurm cannot start a process; 0 if there
# are new ones, and nodes are left.
find_lost() {
  local before=$lost answered
  [ "${SLURM_JOB_NUM_NODES:-1}" -gt 1 ] || return 1
  answered=$(for node in $(left | grep -vxF "$(cat "$silent")"); do hello "$node" & done; wait)
  [ -n "$answered" ] || return 1 # srun itself does not work here: nobody knows
  lost=$(nodes | grep -vxF "$answered" | paste -sd ' ') || lost=
  [ -n "$lost" ] && [ "$lost" != "$before" ]
}
hello() { # NODE; ranks that have outlived their launcher there are ended
  if timeout --kill-after=2 8 srun --overlap --mpi=none --nodes=1 --ntasks=1 --cpus-per-task=1 --mem=0 \
    --nodelist="$1" bash -c "$(declare -f ranks_here); ranks_here | xargs -r kill -KILL; exit 0" \
    </dev/null >/dev/null 2>&1; then echo "$1"; fi
}

# Launchers may wait for minutes for a node that will not answer again, when nobody works any more.
end_a_launcher_that_lingers() { # COMMAND...
  while sleep 10 &>/dev/null; do
    if [ -n "$(ranks_here)" ] || ! how_far "$@" >/dev/null 2>&1; then continue; fi
    sleep 10 &>/dev/null # which any launcher may need
    say "complete, and no rank is left: the launcher is ended"
    kill -TERM "$step" && sleep 5 &>/dev/null && kill -KILL "$step"
    return
  done
}

# ---- the run -------------------------------------------------------------------------------------------------------

# One launch of all ranks; sets code.
attempt() {
  local beside=() python
  # Until the program takes USR1 over it must not end the launcher or the ranks.
  (trap '' USR1 && launch "$ranks" "${SLURM_CPUS_PER_TASK:-1}" "$venv/bin/esmaml" "$@" </dev/null) &
  step=$! again=
  [ -z "$signalled" ] || pass_on "$signalled" # it came while there were no ranks
  if [ "${SLURM_JOB_NUM_NODES:-1}" -gt 1 ]; then
    python=$venv/bin/python
    [ -x "$python" ] || python=python3 # as with `pip install --user`
    # shellcheck disable=SC2046
    "$python" "$root/jobs/watch_nodes.py" "$step" $(left) </dev/null >"$silent" &
    beside+=($!)
  fi
  end_a_launcher_that_lingers "$@" &
  beside+=($!)
  while :; do # a trapped signal ends `wait` before the step has ended
    interrupted=
    wait "$step" && code=0 || code=$?
    [ -n "$interrupted" ] || break
  done
  kill "${beside[@]}" ${again:+"$again"} 2>/dev/null || true
}

work() {
  local before state code ranks
  step='' again='' signalled='' lost=''
  trap 'pass_on USR1' USR1
  trap 'pass_on TERM' TERM INT
  say "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), $(date '+%F %T')," \
    "${SLURM_NTASKS:=1} ranks on $SLURM_JOB_NODELIST"
  ranks=$SLURM_NTASKS
  silent=$(mktemp 2>/dev/null || TMPDIR=/tmp mktemp)
  trap 'rm -f "$silent" "$silent.said"' EXIT
  before=$(how_far "$@") || [ $? = 75 ] || exit 2
  stage
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
    if [ -z "$signalled" ] && find_lost; then
      ranks=$(left_ranks) before=$state
      say "lost: $lost (exit code $code, $state); the run goes on with $ranks ranks on what is left"
      continue
    fi
    if [ -n "$signalled" ] || [ "$(iteration "$state")" -le "$(iteration "$before")" ]; then
      say "not complete (exit code $code): $state"
      exit "$code"
    fi
    say "not complete (exit code $code), but further than before: $state"
    if requeue "unfinished"; then exit 75; fi
    before=$state # no other start is to be had: it goes on with what this job still has
  done
}

# Slurm's controller may be too busy to answer, as when a whole array asks near its limit: it is asked again.
slurm() { # COMMAND...; 124 if it does not answer at all
  local try code
  for try in 1 2 3 4; do
    timeout 20 "$@" 2>"$silent.said" && return
    code=$?
    cat "$silent.said" >&2
    [ "$code" = 124 ] || grep -qiE 'timed out|unable to contact|connection|try again|temporar' "$silent.said" || break
    code=124
    [ "$try" = 4 ] || sleep "${ESMAML_SLURM_PAUSE:-10}"
  done
  return "$code"
}

# Back into the queue, unless somebody wants the job to end: then its state is not RUNNING.
requeue() { # WHY
  local running
  running=$(slurm squeue -h -j "$own_job" -t RUNNING -o %A) || [ $? != 124 ] || running=unknown
  if [ "$signalled" = TERM ] || [ -z "$running" ]; then
    say "$1; if Slurm does not start this job again by itself, submit the same command to continue"
  elif unstage 60 && slurm scontrol requeue "$own_job"; then
    say "$1; job $own_job is back in the queue"
  else
    say "$1, but this job may not be requeued: submit the same command again to continue"
    return 1
  fi
}

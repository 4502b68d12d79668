#!/usr/bin/env bash
# A real Slurm of several nodes on this one machine, for tests: no systemd, no cgroups, nothing outside FOLDER but
# Debian packages and a link beside one of their libraries. Its nodes are those of ../network/nodes.sh in FOLDER/net.
#   lab.sh start FOLDER [NODES]   installs what is missing, starts it; clients: export SLURM_CONF=FOLDER/slurm.conf
#   lab.sh revive FOLDER NODE     a node that was lost is there again
#   lab.sh stop FOLDER            ends every process that belongs to it
# Exits 77, with the reason, where this cannot work.
set -euo pipefail

PACKAGES="slurmctld slurmd slurm-client munge libpmi2-0 libpmix2"
CPUS=16 # that each node claims to have
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

skip() { echo "no Slurm here: $*"; exit 77; }
fail() { echo "the Slurm lab does not start: $*"; tail -n 5 "$lab"/log/*.log 2>/dev/null; exit 1; }
alive() { kill -0 "$(cat "$1" 2>/dev/null)" 2>/dev/null; } # PIDFILE

within() { # SECONDS COMMAND...: repeat until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

install_packages() {
  local guard=/usr/sbin/policy-rc.d log="$lab/log/apt" made= ok=1
  # shellcheck disable=SC2086
  dpkg -s $PACKAGES >/dev/null 2>&1 && return
  command -v apt-get >/dev/null || skip "its packages are not installed, and there is no apt-get"
  # Debian's packages would start their services; a policy file forbids it.
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
    made=yes
  fi
  fetch() {
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -q --no-install-recommends $PACKAGES >"$log" 2>&1
  }
  fetch || { timeout 120 apt-get update -q >/dev/null 2>&1 && fetch; } || ok=
  [ -z "$made" ] || rm -f "$guard"
  [ -n "$ok" ] || skip "apt-get could not install $PACKAGES: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
}

free_ports() { # COUNT: the first of that many ports that nobody listens on
  local first port
  for ((first = 21000 + $$ % 100 * 100; first < 32000; first += 100)); do
    for ((port = first; port < first + $1; port++)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    echo "$first"
    return
  done
  return 1
}

write_files() {
  local port host number address k
  port=$(free_ports 2) || skip "no free ports"
  host=$(hostname -s)
  number=$(cat "$lab/net/number")
  address=10.213.$number
  mkdir -p "$lab"/{state,spool,pid,munge}
  chmod 755 "$lab" "$lab/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$lab/munge/key")
  {
    cat <<CONF
ClusterName=lab
SlurmctldHost=$host($address.254)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# How long a credential lives is also how long a requeued job waits before it starts again.
AuthInfo=socket=$lab/munge/socket,cred_expire=5
StateSaveLocation=$lab/state
SlurmctldPidFile=$lab/pid/slurmctld
SlurmctldLogFile=$lab/log/slurmctld.log
# Several slurmd on one machine: %n keeps what belongs to a node apart.
SlurmdPidFile=$lab/pid/%n
SlurmdLogFile=$lab/log/%n.log
SlurmdSpoolDir=$lab/spool/%n
TmpFS=$lab/spool/%n/tmp
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
# A node set down stays down until it is resumed; jobs may be requeued; a cancelled one has ten seconds to save.
ReturnToService=1
JobRequeue=1
KillWait=10
# Low, so that \`esmaml submit\` has arrays to split.
MaxArraySize=3
MinJobAge=3600
# Ranks are found by the number of their job, and another lab may be on this machine.
FirstJobId=$((1000 * (number + 1)))
SlurmctldTimeout=30
SlurmdTimeout=300
MessageTimeout=30
PropagateResourceLimitsExcept=MEMLOCK
CONF
    for ((k = 1; k <= nodes; k++)); do
      echo "NodeName=n$k NodeAddr=$address.$k Port=$((port + 1)) CPUs=$CPUS RealMemory=65536 State=UNKNOWN"
    done
    echo "PartitionName=lab Nodes=n[1-$nodes] Default=YES DefaultTime=10 MaxTime=INFINITE State=UP"
  } >"$lab/slurm.conf"
}

slurmd_on() { bash "$here/../network/nodes.sh" enter "$lab/net" "$1" slurmd -N "$1"; } # NODE

all_idle() { [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" = "$nodes" ]; }

start() {
  local k pmix
  [ "$(id -u)" = 0 ] || skip "it needs root"
  mkdir -p "$lab/log"
  bash "$here/../network/nodes.sh" up "$lab/net" "$nodes" || exit
  install_packages
  # Slurm's PMIx plugin opens the library by its unversioned name, a link that Debian keeps in the development package.
  pmix=/usr/lib/$(uname -m)-linux-gnu/pmix2/lib
  [ -e "$pmix/libpmix.so" ] || ln -s libpmix.so.2 "$pmix/libpmix.so"
  write_files
  export SLURM_CONF=$lab/slurm.conf
  munged --force --socket="$lab/munge/socket" --key-file="$lab/munge/key" --pid-file="$lab/pid/munged" \
    --log-file="$lab/log/munged.log" --seed-file="$lab/munge/seed" --num-threads=2 || fail munged
  slurmctld -i || fail slurmctld
  # PMIx files what it knows by host name, and MPICH's launcher finds nodes by theirs.
  for ((k = 1; k <= nodes; k++)); do
    mkdir -p "$lab/spool/n$k/tmp"
    slurmd_on "n$k" || fail "slurmd n$k"
  done
  within 60 all_idle || fail "its nodes are not idle"
  slurmd -V
}

end() { # PID: asked first, then made to
  kill -TERM "$1" 2>/dev/null || return 0
  within 10 eval "! kill -0 $1 2>/dev/null" || kill -KILL "$1" 2>/dev/null || true
}

jobs_gone() { [ -z "$(timeout 20 squeue -h 2>/dev/null)" ]; }

stop() {
  local file process environment
  export SLURM_CONF=$lab/slurm.conf
  if alive "$lab/pid/slurmctld"; then
    timeout 20 squeue -h -o %A 2>/dev/null | sort -u | xargs -r timeout 20 scancel 2>/dev/null || true
    within 20 jobs_gone || true
  fi
  for file in "$lab"/pid/n* "$lab/pid/slurmctld" "$lab/pid/munged"; do
    if alive "$file"; then end "$(cat "$file")"; fi
  done
  # Step daemons and ranks that outlived their slurmd.
  for process in /proc/[0-9]*; do
    environment=$(tr '\0' '\n' 2>/dev/null <"$process/environ") || continue
    grep -qxF "SLURM_CONF=$SLURM_CONF" <<<"$environment" || continue
    if [ "$(cat "$process/comm" 2>/dev/null)" = slurmstepd ] || grep -q '^SLURM_JOB_ID=' <<<"$environment"; then
      kill -KILL "${process#/proc/}" 2>/dev/null || true
    fi
  done
  bash "$here/../network/nodes.sh" down "$lab/net"
}

is_idle() { [ -n "$(sinfo -h -N -n "$1" -t idle -o %N 2>/dev/null)" ]; }

# As after a power cycle: nothing of what ran there is left.
revive() { # NODE
  export SLURM_CONF=$lab/slurm.conf
  bash "$here/../network/nodes.sh" pids "$lab/net" "$1" | xargs -r kill -KILL 2>/dev/null || true
  bash "$here/../network/nodes.sh" link "$lab/net" "$1" up
  slurmd_on "$1" || fail "slurmd $1"
  timeout 20 scontrol update nodename="$1" state=resume 2>/dev/null || true
  within 60 is_idle "$1" || fail "$1 is not idle"
}

command=${1:-}
lab=${2:-}
nodes=${3:-3}
case "$command" in
  start) mkdir -p "${lab:?lab.sh start FOLDER}" && lab=$(cd "$lab" && pwd) && start ;;
  revive) revive "$3" ;;
  stop) stop ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

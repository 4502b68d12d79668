#!/usr/bin/env bash
# A real Slurm of several nodes on this one machine, for tests: no systemd, no cgroups, nothing outside FOLDER but
# Debian packages and a link beside one of their libraries.
#   lab.sh start FOLDER [NODES]   installs what is missing, starts it; clients: export SLURM_CONF=FOLDER/slurm.conf
#   lab.sh stop FOLDER            ends every process that belongs to it
# Exits 77, with the reason, where this cannot work.
set -euo pipefail

PACKAGES="slurmctld slurmd slurm-client munge libpmi2-0 libpmix2"
CPUS=16 # that each node claims to have

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
  local port host k
  port=$(free_ports $((nodes + 1))) || skip "no free ports"
  host=$(hostname -s)
  mkdir -p "$lab"/{state,spool,pid,munge}
  chmod 755 "$lab" "$lab/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$lab/munge/key")
  # Node names must resolve for MPICH's launcher; each slurmd sees this file as /etc/hosts.
  { cat /etc/hosts && echo "127.0.0.1 $(seq -s ' ' -f 'n%g' "$nodes")"; } >"$lab/hosts"
  {
    cat <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
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
MinJobAge=3600
SlurmctldTimeout=30
SlurmdTimeout=60
MessageTimeout=30
PropagateResourceLimitsExcept=MEMLOCK
CONF
    for ((k = 1; k <= nodes; k++)); do
      echo "NodeName=n$k NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + k))" \
        "CPUs=$CPUS RealMemory=65536 State=UNKNOWN"
    done
    echo "PartitionName=lab Nodes=n[1-$nodes] Default=YES DefaultTime=10 MaxTime=INFINITE State=UP"
  } >"$lab/slurm.conf"
}

all_idle() { [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" = "$nodes" ]; }

start() {
  local k pmix
  [ "$(id -u)" = 0 ] || skip "it needs root"
  mkdir -p "$lab/log"
  install_packages
  # Slurm's PMIx plugin opens the library by its unversioned name, a link that Debian keeps in the development package.
  pmix=/usr/lib/$(uname -m)-linux-gnu/pmix2/lib
  [ -e "$pmix/libpmix.so" ] || ln -s libpmix.so.2 "$pmix/libpmix.so"
  unshare --uts --mount true 2>/dev/null || skip "namespaces are not allowed"
  write_files
  export SLURM_CONF=$lab/slurm.conf
  munged --force --socket="$lab/munge/socket" --key-file="$lab/munge/key" --pid-file="$lab/pid/munged" \
    --log-file="$lab/log/munged.log" --seed-file="$lab/munge/seed" --num-threads=2 || fail munged
  slurmctld -i || fail slurmctld
  # A host name of its own for each node: PMIx files what it knows by host name. The namespaces end with the slurmd.
  for ((k = 1; k <= nodes; k++)); do
    mkdir -p "$lab/spool/n$k/tmp"
    unshare --uts --mount \
      sh -c "hostname n$k && mount --bind '$lab/hosts' /etc/hosts && exec slurmd -N n$k" || fail "slurmd n$k"
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
}

command=${1:-}
lab=${2:-}
nodes=${3:-3}
case "$command" in
  start) mkdir -p "${lab:?lab.sh start FOLDER}" && lab=$(cd "$lab" && pwd) && start ;;
  stop) stop ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

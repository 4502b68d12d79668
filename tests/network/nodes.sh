#!/usr/bin/env bash
# Nodes with addresses, host names and links of their own on this one machine: network and UTS namespaces on a bridge.
#   nodes.sh up FOLDER COUNT       makes nodes n1, n2, ...; FOLDER/hosts has their addresses
#   nodes.sh enter FOLDER NODE COMMAND...    run COMMAND there
#   nodes.sh link FOLDER NODE up|down        plug its cable in, or pull it
#   nodes.sh pids FOLDER NODE      the processes there
#   nodes.sh down FOLDER           ends every process there, and removes them
# Exits 77, with the reason, where this cannot work.
set -euo pipefail

skip() { echo "no nodes here: $*"; exit 77; }
holder() { cat "$folder/holder.$1"; } # NODE: the process that keeps its namespaces
cable() { echo "es$(cat "$folder/number")-$1"; } # NODE

up() { # COUNT
  local number k bridge
  [ "$(id -u)" = 0 ] || skip "it needs root"
  command -v ip >/dev/null || skip "there is no ip (package iproute2)"
  unshare --net --uts --mount true 2>/dev/null || skip "namespaces are not allowed"
  mkdir -p "$folder"
  for ((number = $$ % 250; number < 500; number++)); do # a network that nobody else has made
    if ip link add "es$((number % 250))" type bridge 2>/dev/null; then break; fi
  done
  number=$((number % 250)) bridge=es$number
  [ -e "/sys/class/net/$bridge" ] || skip "no bridge can be made"
  echo "$number" >"$folder/number"
  ip address add "10.213.$number.254/24" dev "$bridge"
  ip link set "$bridge" up
  { cat /etc/hosts && for ((k = 1; k <= $1; k++)); do echo "10.213.$number.$k n$k"; done; } >"$folder/hosts"
  for ((k = 1; k <= $1; k++)); do
    rm -f "$folder/holder.n$k"
    # shellcheck disable=SC2016
    setsid unshare --net --uts --mount sh -c '
      hostname "$1" && mount --bind "$2/hosts" /etc/hosts && ip link set lo up &&
      echo $$ >"$2/holder.$1" && exec sleep infinity' sh "n$k" "$folder" </dev/null >/dev/null 2>&1 &
    for _ in $(seq 50); do [ ! -s "$folder/holder.n$k" ] || break; sleep 0.1; done
    [ -s "$folder/holder.n$k" ] || { down; skip "node n$k does not start"; }
    ip link add "$(cable "n$k")" type veth peer name eth0 netns "$(holder "n$k")" || { down; skip "no cable can be made"; }
    ip link set "$(cable "n$k")" master "$bridge" up
    enter "n$k" ip address add "10.213.$number.$k/24" dev eth0
    enter "n$k" ip link set eth0 up
  done
}

enter() { # NODE COMMAND...
  local node=$1
  shift
  nsenter --target "$(holder "$node")" --net --uts --mount --wd="$PWD" "$@"
}

pids() { # NODE
  local keeper space
  keeper=$(holder "$1")
  space=$(readlink "/proc/$keeper/ns/net") || return 0
  find /proc/[0-9]*/ns/net -prune -lname "${space//[\[\]]/?}" 2>/dev/null | cut -d / -f 3 | grep -vx "$keeper" || true
}

down() {
  local file number cable
  [ -e "$folder/number" ] || return 0
  number=$(cat "$folder/number")
  for file in "$folder"/holder.*; do
    [ -s "$file" ] || continue
    for _ in 1 2 3; do pids "${file##*holder.}" | xargs -r kill -KILL 2>/dev/null || true; done # some have started more
    kill -KILL "$(cat "$file")" 2>/dev/null || true # its namespaces end with it
    rm -f "$file"
  done
  for cable in "/sys/class/net/es$number" "/sys/class/net/es$number"-*; do
    ip link delete "${cable##*/}" 2>/dev/null || true
  done
  rm -f "$folder/number"
}

command=${1:-}
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
folder=$(mkdir -p "$2" && cd "$2" && pwd)
shift 2
case "$command" in
  up) up "${1:-3}" ;;
  enter) node=$1 && shift && exec nsenter --target "$(holder "$node")" --net --uts --mount --wd="$PWD" "$@" ;;
  link) ip link set "$(cable "$1")" "$2" ;;
  pids) pids "$1" ;;
  down) down ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

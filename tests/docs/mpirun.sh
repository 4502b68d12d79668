#!/bin/bash
# mpirun for the documentation: at most two ranks, more of them than cores; $REAL_MPIRUN does the work,
# if there is any: a single rank is a process like any other.
[ "$1" != --version ] || exec "$REAL_MPIRUN" --version
options=()
if "$REAL_MPIRUN" --version 2>/dev/null | grep -qi 'open mpi'; then
  options=(--oversubscribe)
  [[ $* == *--bind-to* ]] || options+=(--bind-to none)
fi
while [ $# -gt 0 ]; do
  if [ "$1" = -n ]; then
    [ "$2" != 1 ] || exec "${@:3}"
    exec "$REAL_MPIRUN" "${options[@]}" -n $(($2 < 2 ? $2 : 2)) "${@:3}"
  fi
  options+=("$1")
  shift
done

#!/usr/bin/env bash
# What mpirun takes for ssh: agent.sh NODE COMMAND..., in the network of $ESMAML_NODES.
node=$1
shift
exec bash "$(dirname "${BASH_SOURCE[0]}")/nodes.sh" enter "$ESMAML_NODES" "$node" sh -c "$*"

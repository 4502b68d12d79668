# Sourced before Open MPI's mpirun (jobs/batch.sh, tests/network). Its daemons, one on each node, ask each other whether
# they are there, and a node that does not answer for 35 to 45 seconds is lost: the job ends on all nodes. Their own
# choice is 480 seconds. A link that is away for half a minute is waited for.
export PRTE_MCA_oob_tcp_keepalive_time=${PRTE_MCA_oob_tcp_keepalive_time:-10}
export PRTE_MCA_oob_tcp_keepalive_intvl=${PRTE_MCA_oob_tcp_keepalive_intvl:-5}
export PRTE_MCA_oob_tcp_keepalive_probes=${PRTE_MCA_oob_tcp_keepalive_probes:-7}

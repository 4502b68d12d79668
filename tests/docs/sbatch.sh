#!/bin/bash
# sbatch for the documentation: runs the job script at once, a page's first job with two ranks and the others with one.
# Of an array it runs the first two tasks, or all where the page goes on with what is printed.
array=0-0 parsable= most=2
while [[ $1 == --* ]]; do
  case "$1" in --array=*) array=${1#--array=} ;; --parsable) parsable=yes most=100 ;; esac
  shift
done
export SLURM_JOB_ID=1 SLURM_CPUS_PER_TASK=1 SLURM_JOB_NODELIST=here SLURM_SUBMIT_DIR=$PWD
export ESMAML_VENV=$PWD ESMAML_LAUNCHER=mpirun
for ((i = ${array%-*}; i <= ${array#*-} && i < ${array%-*} + most; i++)); do
  export SLURM_NTASKS=2
  [ ! -e .with_ranks ] || SLURM_NTASKS=1
  touch .with_ranks
  SLURM_ARRAY_TASK_ID=$i bash "$@" >&2 </dev/null || exit
done
if [ -n "$parsable" ]; then echo 1; else echo "Submitted batch job 1"; fi

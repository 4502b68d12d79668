# What your cluster needs. Copy this file to jobs/site.sh, which git ignores, or to ~/.config/esmaml/site.sh, and edit the
# copy; of settings that are left out there, those below hold. Every job script sources it, on the first node of the job,
# before anything starts, and a command that fails in it ends the job; what is exported here reaches all ranks. For a single job that differs, set the variable of a setting, such as
# ESMAML_VENV, in the shell that calls sbatch.

# Modules: Python 3.11 or newer and the MPI library that mpi4py was built with.
# module purge
# module load python/3.12 openmpi/5.0

# The Python environment that esmaml_mpi is installed in; docs/slurm.md says how.
venv=${ESMAML_VENV:-$root/.venv}

# A folder on each node's own disk, such as /tmp: the environment is copied to it before the ranks start, and removed when
# the job ends. Empty: the ranks start from the shared one. The archive that is copied has to be where all nodes see it
# and you may write.
stage=${ESMAML_STAGE:-}
stage_archive=${ESMAML_STAGE_ARCHIVE:-} # empty: beside the environment, its name and .tar

# What starts the ranks. It has to fit the MPI library, else every rank believes it is alone; the run then says so and
# stops.
#   mpirun             any of them, its own mpirun; with Open MPI 5 the run then survives the death of ranks
#   srun --mpi=pmix    Open MPI, where `srun --mpi=list` shows pmix; a plain scancel then saves first
#   srun --mpi=pmi2    MPICH, Intel MPI, MVAPICH
launcher=${ESMAML_LAUNCHER:-mpirun}

# Further options of the launcher, such as --cpu-bind=cores (srun) or --map-by numa (mpirun of Open MPI).
launcher_options=${ESMAML_LAUNCHER_OPTIONS:-}

# Account and partition are read by sbatch, before this file is. Put them into your login shell, or on the command line:
#   export SBATCH_ACCOUNT=my_project SBATCH_PARTITION=cpu
#   sbatch --account=my_project --partition=cpu jobs/train.slurm CONFIG

# MPI's own settings, where the network needs them, for example:
# export UCX_TLS=rc,sm,self
# export OMPI_MCA_btl_tcp_if_include=ib0 PRTE_MCA_prte_if_include=ib0

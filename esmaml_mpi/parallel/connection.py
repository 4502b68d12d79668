"""The world that this process was launched into."""

import os

from esmaml_mpi.errors import WorldError
from esmaml_mpi.parallel.one_node import leave_networks_out
from esmaml_mpi.parallel.start_watch import start_watch
from esmaml_mpi.parallel.world import LAUNCHED, World


def connect() -> World:
    """The world this process was launched into: MPI if a launcher started it, one process if not."""
    world = World()
    if any(name in os.environ for name in LAUNCHED):
        leave_networks_out()
        with start_watch():
            from esmaml_mpi.parallel.mpi_world import MPIWorld  # loading it makes MPI ready

            world = MPIWorld()
    _check_slurm(world)
    return world


def _check_slurm(world: World) -> None:
    """Under a wrong --mpi plugin Slurm starts N separate worlds of one rank, and each would do the whole job.

    SLURM_NTASKS is held against a world of one rank only: under mpirun it may count mpirun's own daemons. The job
    scripts say in ESMAML_RANKS how many ranks they start, which must be right.
    """
    name = "ESMAML_RANKS" if os.environ.get("ESMAML_RANKS") else "SLURM_NTASKS"
    tasks = os.environ.get(name) or os.environ.get("SLURM_NPROCS") or str(world.size)
    meant = "ESMAML_IGNORE_SLURM_NTASKS" in os.environ or (name == "SLURM_NTASKS" and world.size > 1)
    if meant or not tasks.isdigit() or int(tasks) == world.size:
        return
    raise WorldError(
        f"{name}={tasks}, but MPI sees {world.size} process{'es' * (world.size > 1)}. "
        "Started with srun, this means "
        "that its --mpi plugin does not fit the MPI library: try `srun --mpi=pmix` (Open MPI) or "
        "`srun --mpi=pmi2` (MPICH), see "
        "`srun --mpi=list`, or use mpirun inside the job. If the difference is meant, set ESMAML_IGNORE_SLURM_NTASKS=1."
    )

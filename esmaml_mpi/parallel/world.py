"""The group of processes behind one small object, so that it can be one process, an MPI communicator, or later a
shrunken one.
"""

import os
import sys

import numpy as np

from esmaml_mpi.errors import WorldError

# Set by a launcher in the processes it starts: Open MPI, PMIx, PMI (MPICH, Intel MPI, Slurm), MVAPICH, Cray PALS.
LAUNCHED = (
    "OMPI_COMM_WORLD_SIZE",
    "PMIX_RANK",
    "PMI_RANK",
    "PMI_SIZE",
    "MPI_LOCALNRANKS",
    "MV2_COMM_WORLD_SIZE",
    "PALS_RANKID",
)


class RankLost(Exception):
    """A rank died during a collective call. Every survivor sees this, and must call ``recover`` or ``leave`` next."""


class World:
    """One process: rank 0 of 1. Also the interface of ``MPIWorld``."""

    rank = 0
    size = 1
    library = "none (one process)"
    survives_losses = False
    _tickets = 0

    def broadcast(self, buffer: np.ndarray) -> None:
        """Rank 0's contiguous buffer into every rank's."""

    def gather(self, block: np.ndarray, counts: list[int]) -> np.ndarray | None:
        """Blocks (counts[rank], k) float64 of all ranks, stacked in rank order, at rank 0; None elsewhere."""
        return block

    def sum(self, buffer: np.ndarray) -> None:
        """Add int64 buffers over ranks, in place, on every rank."""

    def open_tickets(self) -> None:
        """Collective; before the first ticket."""

    def ticket(self) -> int:
        """The next number, 0, 1, 2, ... over all ranks, each given out once; ``recover`` starts again at 0."""
        self._tickets += 1
        return self._tickets - 1

    def recover(self) -> None:
        """After RankLost, on every survivor: go on with the survivors, whose ranks close up in their old order."""

    def leave(self) -> bool:
        """The last collective call: True if every rank has called it, False if some called ``recover`` instead."""
        return True

    def abort(self, code: int) -> None:
        """End every rank of the job, now."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def close(self, code: int) -> None:
        """Before the process ends with this exit code: leave MPI in an orderly way. Every rank must call it."""


def connect() -> World:
    """The world this process was launched into: MPI if a launcher started it, one process if not."""
    world = World()
    if any(name in os.environ for name in LAUNCHED):
        from esmaml_mpi.parallel.mpi_world import MPIWorld

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

"""The group of processes behind one small object, so that it can be one process, an MPI communicator, or later a
shrunken one.
"""

import os
import sys
import time

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


class World:
    """One process: rank 0 of 1. Also the interface of ``MPIWorld``."""

    rank = 0
    size = 1
    library = "none (one process)"

    def broadcast(self, buffer: np.ndarray) -> None:
        """Rank 0's contiguous buffer into every rank's."""

    def gather(self, block: np.ndarray, counts: list[int]) -> np.ndarray | None:
        """Blocks (counts[rank], k) float64 of all ranks, stacked in rank order, at rank 0; None elsewhere."""
        return block

    def sum(self, buffer: np.ndarray) -> None:
        """Add int64 buffers over ranks, in place, on every rank."""

    def abort(self, code: int) -> None:
        """End every rank of the job, now."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def close(self) -> None:
        """Leave in an orderly way; every rank must call it."""


class MPIWorld(World):
    """An MPI communicator. Buffers travel raw, nothing is pickled."""

    def __init__(self):
        from mpi4py import MPI

        self._mpi = MPI
        self._comm = MPI.COMM_WORLD.Dup()
        self.rank, self.size = self._comm.rank, self._comm.size
        self.library = MPI.Get_library_version().split("\x00")[0].strip()
        neighbours = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        crowding = neighbours.size / (os.cpu_count() or 1)
        neighbours.Free()
        self._longest_nap = 0.001 * max(1.0, crowding)

    def broadcast(self, buffer):
        self._wait(self._comm.Ibcast(buffer, root=0))

    def gather(self, block, counts):
        width = block.shape[1]
        out = np.empty((sum(counts), width)) if self.rank == 0 else None
        target = [out, [count * width for count in counts]] if self.rank == 0 else None
        self._wait(self._comm.Igatherv(np.ascontiguousarray(block), target, root=0))
        return out

    def sum(self, buffer):
        self._wait(self._comm.Iallreduce(self._mpi.IN_PLACE, buffer, op=self._mpi.SUM))

    def abort(self, code):
        sys.stdout.flush()
        sys.stderr.flush()
        self._comm.Abort(code)

    def close(self):
        self._mpi.Finalize()

    def _wait(self, request) -> None:
        """Complete a request; spin briefly, then sleep a tenth of the time waited so far, so that waiting ranks leave
        the cores to working ones.
        """
        start = time.perf_counter()
        while not request.Test():
            waited = time.perf_counter() - start
            time.sleep(0.0 if waited < 200e-6 else min(waited / 10, self._longest_nap))


def connect() -> World:
    """The world this process was launched into: MPI if a launcher started it, one process if not."""
    world = MPIWorld() if any(name in os.environ for name in LAUNCHED) else World()
    _check_slurm(world)
    return world


def _check_slurm(world: World) -> None:
    """Under a wrong --mpi plugin Slurm starts N separate worlds of one rank, and each would do the whole job."""
    tasks = os.environ.get("SLURM_NTASKS", os.environ.get("SLURM_NPROCS"))
    if tasks is None or int(tasks) == world.size or "ESMAML_IGNORE_SLURM_NTASKS" in os.environ:
        return
    raise WorldError(
        f"Slurm has SLURM_NTASKS={tasks}, but MPI sees {world.size} process{'es' * (world.size > 1)}. "
        "Started with srun, this means "
        "that its --mpi plugin does not fit the MPI library: try `srun --mpi=pmix` (Open MPI) or "
        "`srun --mpi=pmi2` (MPICH), see "
        "`srun --mpi=list`, or use mpirun inside the job. If the difference is meant, set ESMAML_IGNORE_SLURM_NTASKS=1."
    )

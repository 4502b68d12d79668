"""The group of processes behind one small object, so that it can be one process, an MPI communicator, or later a
shrunken one.
"""

import os
import sys
from collections.abc import Callable

import numpy as np

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
    binding = "none"  # the version of mpi4py
    has_own_core = True  # so that it may poll while it waits
    survives_losses = False
    lost = 0  # ranks that have died
    leader = 0  # which rank of the launch is rank 0 now
    frozen_after = 0.0  # seconds of silence after which a rank that others wait for is given up; 0: never
    doing: Callable[[int], str] = staticmethod(lambda rank: "the run is being prepared")  # what a rank is to do
    _tickets = 0

    def broadcast(self, buffer: np.ndarray) -> None:
        """Rank 0's contiguous buffer into every rank's."""

    def gather(self, block: np.ndarray, counts: list[int]) -> np.ndarray | None:
        """Blocks (counts[rank], k) float64 of all ranks, stacked in rank order, at rank 0; None elsewhere."""
        return block

    def sum(self, buffer: np.ndarray) -> None:
        """Add int64 buffers over ranks, in place, on every rank."""

    def reduce(self, buffer: np.ndarray) -> None:
        """Add int64 buffers (n,) over ranks, in place, on rank 0; the others keep theirs."""

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

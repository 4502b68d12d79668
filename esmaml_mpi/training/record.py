"""What rank 0 keeps of a run, and where."""

from dataclasses import dataclass
from typing import Protocol

from esmaml_mpi.results.history import History


class Store(Protocol):
    """Where results are kept."""

    def write(self, history: History, checkpoint: dict) -> None:
        """Make history and checkpoint safe."""


@dataclass
class RunRecord:
    """What rank 0 keeps.

    Where results go, the series so far, and the checkpoint to start from (None: from the beginning); and how many of
    this launch's recoveries are in the series.
    """

    store: Store
    history: History
    checkpoint: dict | None
    recoveries: int = 0

"""What rank 0 keeps of a run, and where."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from esmaml_mpi.results.history import History

if TYPE_CHECKING:
    from esmaml_mpi.training.state import Beginning


class Store(Protocol):
    """Where results are kept."""

    def write(self, history: History, checkpoint: dict) -> None:
        """Make new rows and a checkpoint safe, soon. Raises a UserError if that, or the time before, failed."""

    def finish(self) -> None:
        """Return once all is safe, or raise a UserError."""

    def late(self) -> str:
        """What there is to say of a write that takes long; empty: nothing."""

    def drop_from(self, iteration: int) -> None:
        """Forget rows of this iteration and later ones."""


@dataclass
class RunRecord:
    """What rank 0 keeps.

    Where results go, the rows that are not there yet, and the checkpoint to start from (None: from the beginning); and
    how many recoveries are in the series. ``beginning``: what a new run begins with, if not with parameters of its own.
    """

    store: Store
    history: History
    checkpoint: dict | None
    recoveries: int = 0
    beginning: "Beginning | None" = None

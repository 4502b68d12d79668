"""Writing beside training: a file server that is slow, or hangs, does not stop a run.

One write is under way at most. What comes meanwhile waits, and the newest checkpoint takes the place of the one before.
"""

import threading
import time
from typing import Protocol

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.history import History

LATE = 30.0  # seconds after which a write is said to be late; then after twice as long, and so on


class Writer(Protocol):
    """What does the writing, in a thread of its own."""

    def write(self, history: History, checkpoint: dict) -> None:
        """Add rows to the file, and replace its checkpoint."""

    def drop_from(self, iteration: int) -> None:
        """Leave earlier rows out, before the first write."""


class Beside:
    """Hands what is to be written to ``writer``. ``name`` is the file's in messages.

    ``patience``: seconds that the end of a run waits for its last write.
    """

    def __init__(self, writer: Writer, name: str, patience: float, good: int | None = None) -> None:
        self.writer, self.name, self.patience = writer, name, patience
        self.hangs = False  # whether the end of the run has waited in vain: no file is to be touched any more
        self._good = good  # iteration of the last checkpoint that is safe
        self._turn = threading.Condition()
        self._waiting: tuple[History, dict] | None = None
        self._since: float | None = None  # when the write under way has begun
        self._said = LATE
        self._error: BaseException | None = None

    def write(self, history: History, checkpoint: dict) -> None:
        """Take rows and a checkpoint, which nobody changes any more, to be written soon. What an earlier write has
        raised is raised now.
        """
        with self._turn:
            self._raise()
            if self._waiting is not None:
                rows = self._waiting[0]
                rows.extend(history)
                history = rows
            self._waiting = (history, checkpoint)
            if self._since is None:
                self._since, self._said = time.monotonic(), LATE
                threading.Thread(target=self._work, name="results", daemon=True).start()

    def drop_from(self, iteration: int) -> None:
        """As the writer's."""
        self.writer.drop_from(iteration)

    def late(self) -> str:
        """What there is to say of a write that takes long; empty if there is nothing, or nothing new."""
        with self._turn:
            if self._since is None or (seconds := time.monotonic() - self._since) < self._said:
                return ""
            self._said *= 2
            return f"{self._late(seconds)}; training goes on"

    def finish(self) -> None:
        """Wait until all is written. ResultsError if that cannot be done, or takes more than ``patience`` seconds."""
        start = time.monotonic()
        with self._turn:
            while self._since is not None and (left := start + self.patience - time.monotonic()) > 0:
                self._turn.wait(min(left, 0.5))  # in pieces, so that signals are seen
            self._raise()
            if self._since is not None:
                self.hangs = True
                raise ResultsError(
                    f"{self._late(time.monotonic() - self._since)}. The run ends without it (checkpoint.patience = "
                    f"{self.patience:g}); --resume goes on from there."
                )

    def _late(self, seconds: float) -> str:
        good = (
            "there is no good checkpoint"
            if self._good is None
            else f"the last good checkpoint is iteration {self._good}"
        )
        return f"{self.name} has not been written for {seconds:.0f} s: the file system hangs or is slow; {good}"

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while True:
            with self._turn:
                if self._waiting is None or self._error is not None:
                    self._since = None
                    self._turn.notify_all()
                    return
                (history, checkpoint), self._waiting = self._waiting, None
                self._since, self._said = time.monotonic(), LATE
            try:
                self.writer.write(history, checkpoint)
            except BaseException as error:  # for the thread that trains
                self._error = error
            else:
                self._good = int(checkpoint["iteration"])

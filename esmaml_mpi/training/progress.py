"""How far a run is: a live line in a terminal, one plain line per interval elsewhere."""

import math
import os
import shutil
import sys
import time
from typing import TextIO

from esmaml_mpi.parallel.world import LAUNCHED
from esmaml_mpi.training.standard_output import Enduring

DISPENSABLE = (0, 5, 2, 4, 3)  # of a live line, first to last: bar, rollouts/s, value, it/s, test


class Progress:
    """Reports of rank 0.

    ``done`` is where the run (re)starts; ``interval`` is the time between lines of a log, in seconds; ``quiet``: only
    warnings are printed.
    """

    def __init__(
        self, total: int, done: int, stream: TextIO | None = None, interval: float = 30.0, quiet: bool = False
    ) -> None:
        self.total, self.first, self.stream, self.quiet = total, done, stream or sys.stdout, quiet
        self.terminal = None if quiet else _terminal(self.stream)
        self.live = self.terminal is not None
        self.interval = 0.1 if self.live else interval
        self.start = time.monotonic()
        self.last = -math.inf
        self.test = ""
        self.failed = 0  # evaluations

    def tested(
        self,
        iteration: int,
        before: float,
        after: float,
        success_before: float = math.nan,
        success_after: float = math.nan,
    ) -> None:
        """Remember the latest test, of the parameters after so many iterations, for the next line; shares of successes
        are nan where none are reported.
        """
        self.test = f"  test at {iteration}: {before:.1f} -> {after:.1f}"
        if not math.isnan(success_after):
            self.test += f" (success {success_before:.0%} -> {success_after:.0%})"

    def update(self, done: int, meta_value: float, failed: int, rollouts: int) -> None:
        """After each iteration; prints when it is time to."""
        if self.quiet:
            return
        self.failed += failed  # of those between two lines nothing would be seen
        now = time.monotonic()
        if now - self.last < self.interval and done < self.total:
            return
        self.last = now
        rate = (done - self.first) / max(now - self.start, 1e-9)
        left = duration((self.total - done) / rate) if rate > 0 else "?"
        trouble = f"  {self.failed} failed" if self.failed else ""
        self._print(
            done,
            [
                f"iteration {done}/{self.total}",
                f"  value {meta_value:.2f}",
                self.test,
                f"  {rate:.2f} it/s",
                f"  {rollouts * rate:,.0f} rollouts/s",
                f"  {left} left{trouble}",
            ],
        )

    def announce(self, text: str) -> None:
        """A line that stays, for those who watch."""
        if not self.quiet:
            self.message(text)

    def message(self, text: str) -> None:
        """A line that stays, of something that everybody should know."""
        self.stream.write(("\r\033[K" if self.live else "") + text + "\n")
        self.stream.flush()

    def close(self) -> None:
        """End the live line."""
        if self.terminal is not None:
            self.terminal.write("\n")
            self.terminal.flush()

    def _print(self, done: int, parts: list[str]) -> None:
        if self.terminal is not None:
            filled = 20 * done // max(self.total, 1)
            bar = f"[{'#' * filled}{'.' * (20 - filled)}] "
            self.terminal.write("\r\033[K" + _fitted([bar, *parts], shutil.get_terminal_size().columns - 1))
            self.terminal.flush()
        else:
            self.stream.write("".join(parts) + "\n")
            self.stream.flush()


def _fitted(parts: list[str], columns: int) -> str:
    """The parts in one line, without those that do not fit: a line that wraps could not be drawn over."""
    kept = list(parts)
    for i in DISPENSABLE:
        if sum(map(len, kept)) > columns:
            kept[i] = ""
    return "".join(kept)[:columns]


def _terminal(stream: TextIO) -> "TextIO | Enduring | None":
    """Where a person is watching, to write the live line to, or None.

    mpirun gives its ranks a terminal even when its own output goes to a file, and it passes whole lines on only, while
    the live line has no end: its own terminal is what is written to.
    """
    if not stream.isatty():
        return None
    if not any(name in os.environ for name in LAUNCHED):
        return stream
    launcher = f"/proc/{os.getppid()}/fd/1"
    try:
        if os.readlink(launcher).startswith(("/dev/pts/", "/dev/tty")):
            return Enduring(os.fdopen(os.open(launcher, os.O_WRONLY | os.O_NOCTTY), "w"))
    except OSError:
        pass
    return None


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    seconds = round(seconds)
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"

"""How far a run is: a live line in a terminal, one plain line per interval elsewhere."""

import math
import os
import sys
import time

from esmaml_mpi.parallel.world import LAUNCHED


class Progress:
    """Reports of rank 0.

    ``done`` is where the run (re)starts; ``interval`` is the time between lines of a log, in seconds.
    """

    def __init__(self, total: int, done: int, stream=None, interval: float = 30.0):
        self.total, self.first, self.stream = total, done, stream or sys.stdout
        self.live = _is_terminal(self.stream)
        self.interval = 0.1 if self.live else interval
        self.start = time.monotonic()
        self.last = -math.inf
        self.test = ""

    def tested(self, before: float, after: float) -> None:
        """Remember the latest test for the next line."""
        self.test = f"  test {before:.1f} -> {after:.1f}"

    def update(self, done: int, meta_value: float, failed: int, rollouts: int) -> None:
        """After each iteration; prints when it is time to."""
        now = time.monotonic()
        if now - self.last < self.interval and done < self.total:
            return
        self.last = now
        rate = (done - self.first) / max(now - self.start, 1e-9)
        left = duration((self.total - done) / rate) if rate > 0 else "?"
        trouble = f"  {failed} failed" if failed else ""
        line = (
            f"iteration {done}/{self.total}  value {meta_value:.2f}{self.test}  {rate:.2f} it/s  "
            f"{rollouts * rate:,.0f} rollouts/s  {left} left{trouble}"
        )
        self._print(line)

    def message(self, text: str) -> None:
        """A line that stays."""
        self.stream.write(("\r\033[K" if self.live else "") + text + "\n")
        self.stream.flush()

    def close(self) -> None:
        """End the live line."""
        if self.live:
            self.stream.write("\n")
            self.stream.flush()

    def _print(self, line: str) -> None:
        if self.live:
            filled = 20 * int(line.split()[1].split("/")[0]) // max(self.total, 1)
            self.stream.write(f"\r\033[K[{'#' * filled}{'.' * (20 - filled)}] {line}")
        else:
            self.stream.write(line + "\n")
        self.stream.flush()


def _is_terminal(stream) -> bool:
    """Whether a person is watching.

    mpirun gives its ranks a terminal even when its own output goes to a file, so its is asked too.
    """
    if not stream.isatty():
        return False
    if not any(name in os.environ for name in LAUNCHED):
        return True
    try:
        return os.readlink(f"/proc/{os.getppid()}/fd/1").startswith(("/dev/pts/", "/dev/tty"))
    except OSError:
        return False


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    seconds = round(seconds)
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"

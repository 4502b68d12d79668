"""What a process of this machine is doing, as the kernel tells (Linux): stopped, computing, or neither."""

import contextlib
import os
import time
from pathlib import Path

# Sent between ranks as numbers.
UNKNOWN, COMPUTING, STOPPED, IDLE = range(4)
WORDS = {
    UNKNOWN: "what it does cannot be seen from here",
    COMPUTING: "it computes",
    STOPPED: "it is stopped, as by SIGSTOP or a debugger",
    IDLE: "it sleeps, or waits for a file, a device or another program",
}
WINDOW = 5.0  # seconds over which processor time is counted
SHARE = 0.02  # of a core, below which a process is idle: libraries' own threads wake up now and then
_TICKS = os.sysconf("SC_CLK_TCK")  # a second


class Activity:
    """Looks at processes again and again."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, float, int]] = {}  # when, processor seconds then, what it was found to do

    def of(self, pid: int) -> int:
        """What it does; for the first few seconds one that is not stopped is taken to compute."""
        try:
            letter, used = _state_and_seconds(pid)
        except (OSError, ValueError, IndexError):
            return UNKNOWN
        if letter in "Tt":
            self._seen.pop(pid, None)
            return STOPPED
        if letter in "ZX":  # it has ended
            return UNKNOWN
        used += _seconds_of_children(pid)  # it may wait for an environment that is in a process of its own
        now = time.monotonic()
        since, before, found = self._seen.setdefault(pid, (now, used, COMPUTING))
        if now - since > WINDOW:
            found = COMPUTING if used - before > SHARE * (now - since) else IDLE
            self._seen[pid] = (now, used, found)
        return COMPUTING if letter == "R" else found


def _state_and_seconds(pid: int) -> tuple[str, float]:
    """The letter of a process's state, and processor seconds that it and its children that have ended have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], sum(map(int, fields[11:15])) / _TICKS


def _seconds_of_children(pid: int) -> float:
    """Processor seconds of those that a process has started and that still run, and of those that they have started."""
    waiting, seconds = [pid], 0.0
    while waiting:
        with contextlib.suppress(OSError, ValueError, IndexError):  # ended while we looked
            for path in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
                children = [int(child) for child in path.read_text().split()]
                waiting += children
                seconds += sum(_state_and_seconds(child)[1] for child in children)
    return seconds

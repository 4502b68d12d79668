"""Ranks of this host that are frozen while MPI leaves out the dead.

MPI's call for that returns when all survivors have made it, and nobody can answer a roll call meanwhile. So a thread
looks at the processes: a stopped one is named and waited for, or killed where frozen ranks are to be given up.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from esmaml_mpi.parallel import activity

LOOK = 0.5  # seconds between looks
WORD = 30.0  # seconds for which a rank is stopped until it is said


class ShrinkWatch:
    """For the time of a ``with`` block. ``pids`` are the other ranks of this host.

    ``late`` is called after ``patience`` seconds in which none of them was stopped. One that is stopped for ``limit``
    seconds is killed; 0: never.
    """

    def __init__(self, pids: list[int], limit: float, patience: float, late: Callable[[], None]):
        self._pids, self._limit, self._patience, self._late = pids, limit, patience, late
        self._over = threading.Event()
        self._stopped: dict[int, float] = {}  # process -> seconds
        self._said: set[int] = set()

    def __enter__(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def __exit__(self, *raised: object) -> None:
        self._over.set()

    def _run(self) -> None:
        looks, waited, last = activity.Activity(), 0.0, time.monotonic()
        while not self._over.wait(LOOK):
            now = time.monotonic()
            passed, last = min(now - last, 1.0), now  # no time passes while this process itself is stopped
            stopped = [pid for pid in self._pids if looks.of(pid) == activity.STOPPED]
            self._stopped = {pid: self._stopped.get(pid, 0.0) + passed for pid in stopped}
            for pid, seconds in self._stopped.items():
                self._judge(pid, seconds)
            waited += 0.0 if stopped else passed
            if waited > self._patience:
                self._late()

    def _judge(self, pid: int, seconds: float) -> None:
        if pid in self._said or seconds < (self._limit or WORD):
            return
        self._said.add(pid)
        said = f"process {pid}, a rank of this host, is stopped while MPI leaves out the dead, for {seconds:.0f} s"
        if not self._limit:
            _say(f"{said}. The others wait for it; run.frozen_after gives up ranks that do not answer.")
            return
        try:
            os.kill(pid, signal.SIGKILL)
            _say(f"{said}: it is given up, and killed.")
        except OSError:  # another rank of this host has done so
            pass


def _say(text: str) -> None:
    print(f"esmaml: {text}", file=sys.stderr, flush=True)

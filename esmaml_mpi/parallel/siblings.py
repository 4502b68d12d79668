"""The ranks on this node, as processes: whether one has ended without MPI noticing.

With fault tolerance Open MPI hears of ranks that a signal has killed, and not of ranks that call exit; the others would
wait for them for ever.
"""

import os
import time

from esmaml_mpi.parallel.launcher import is_rank

FIRST_LOOK = 2.0  # seconds of waiting
PAUSE = 1.0  # seconds between looks
SURE = 5.0  # seconds in which MPI would have noticed a death that it does notice


class Siblings:
    """The ranks on this node by their process ids.

    Those that this process cannot recognise are not looked after: ranks in containers of their own may be counted anew
    in each.
    """

    def __init__(self, pids: list[int]) -> None:
        self._pids = [pid for pid in pids if is_rank(pid)]
        self._next_look = FIRST_LOOK
        self._missing_since = 0.0

    @property
    def others(self) -> list[int]:
        """Process ids of the other ranks."""
        return [pid for pid in self._pids if pid != os.getpid()]

    def vanished(self, waited: float) -> bool:
        """Whether one has been gone for a while; ``waited``: seconds that this rank has waited for the others."""
        if waited < FIRST_LOOK:
            self._next_look, self._missing_since = FIRST_LOOK, 0.0
            return False
        if waited < self._next_look:
            return False
        self._next_look = waited + PAUSE
        if all(map(_is_there, self._pids)):
            self._missing_since = 0.0
            return False
        self._missing_since = self._missing_since or time.monotonic()
        return time.monotonic() - self._missing_since > SURE

    def forget_the_dead(self) -> None:
        """After MPI has noticed a death."""
        self._pids = [pid for pid in self._pids if _is_there(pid)]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

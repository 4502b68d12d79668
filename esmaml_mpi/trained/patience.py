"""Signals to save and stop, for a program that mostly waits: for somebody, or for another program."""

import signal
from collections.abc import Callable
from types import FrameType

from esmaml_mpi.training.interruption import Interruption

WAKE_UP = 0.2  # seconds


class Patience(Interruption):
    """Signals are noted; while ``waiting`` for somebody, they end the waiting at once."""

    waiting = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        super()._note(number, frame)
        if self.waiting:
            raise KeyboardInterrupt

    def line(self, read: Callable[[], bytes]) -> str | None:
        """The next line of ``read`` with anything on it; None at the end of the input, or after a signal.

        ``read`` gives bytes, so that no line is lost to its neighbour's encoding.
        """
        # A signal just before the reading begins would not end it: wake up now and then to see it.
        previous = signal.signal(signal.SIGALRM, lambda number, frame: None)
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, WAKE_UP, WAKE_UP)
                self.waiting = True
                if self.requested:  # before the waiting began
                    return None
                for line in iter(read, b""):
                    if line.strip():
                        return line.decode(errors="replace").strip()
            finally:
                self.waiting = False
        finally:  # whatever interrupts the one above: a timer that is left on would end the process when it exits
            self.waiting = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, previous)
        return None

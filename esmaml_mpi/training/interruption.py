"""Signals that mean "save and stop": a flag that the loop looks at between iterations."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

SAVE_AND_STOP = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


Handler = Callable[[int, FrameType | None], Any] | int | None  # as ``signal`` gives it
_early: list[int] = []


def remember_early_signals() -> None:
    """From the first moment on: USR1 while the ranks still start must not kill them; the next Interruption knows it."""
    signal.signal(signal.SIGUSR1, lambda number, frame: _early.append(number))


def ignore_late_signals() -> None:
    """From the end of the work on: a signal that comes while the interpreter ends must not become the exit code."""
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class Interruption:
    """While active, the signals set a flag; a second SIGINT (Ctrl-C) interrupts at once.

    ``answer`` is what the first SIGINT is answered with, on standard error.
    """

    def __init__(self, answer: str = ""):
        self.requested = bool(_early)
        _early.clear()
        self.answer = answer
        self._previous: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> Self:
        try:
            for number in SAVE_AND_STOP:
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as nohup leaves it
                    self._previous[number] = signal.signal(number, self._note)
        except ValueError:  # not in the main thread, as in some notebooks: signals stay with their owner
            pass
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if self.answer and number == signal.SIGINT:
            os.write(2, f"\n{self.answer}\n".encode())  # print could be in the middle of a line of its own

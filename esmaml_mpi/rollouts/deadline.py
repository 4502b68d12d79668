"""A time limit on code that may never return, such as a user's environment."""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

FAREWELL = 60.0  # seconds that giving up may take: the other ranks are told, and some may be busy
STDERR = 2  # the file's number: the stream may have been replaced, or closed


class DeadlineExceeded(BaseException):
    """The time is up; its text is where. Not an Exception, so that an environment's own ``except Exception`` does not
    swallow it.
    """


class _Limit:
    """The clocks of one deadline: until it is interrupted, until it is given up, until the process is ended."""

    def __init__(self, seconds: float, give_up: Callable[[], None]):
        self._seconds, self._give_up = seconds, give_up
        self._left = seconds
        self._running = False

    def start(self) -> None:
        """Go on. DeadlineExceeded if nothing is left."""
        if not self._left:
            raise DeadlineExceeded("what came before something that is not counted")
        self._running = True
        self._watchdog = threading.Timer(self._left + self._seconds, self._hang)
        self._watchdog.daemon = True
        self._watchdog.start()
        faulthandler.dump_traceback_later(self._left + 2 * self._seconds, exit=True, file=STDERR)
        signal.setitimer(signal.ITIMER_REAL, self._left)

    def stop(self) -> None:
        """Stand still."""
        self._running = False
        self._left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        self._watchdog.cancel()
        faulthandler.cancel_dump_traceback_later()

    def ring(self, number: int, frame: FrameType | None) -> None:
        """The signal's handler."""
        if self._running and frame is not None:  # not in the middle of stopping
            raise DeadlineExceeded(f"{os.path.basename(frame.f_code.co_filename)}, line {frame.f_lineno}")

    def _hang(self) -> None:
        # The interpreter is free, so that giving up can end this process in good order.
        faulthandler.dump_traceback_later(FAREWELL, exit=True, file=STDERR)
        if sys.__stderr__ is not None:  # it may be closed
            faulthandler.dump_traceback(file=sys.__stderr__)
        print(
            f"esmaml: not done after {2 * self._seconds:g} s; it hangs as shown and cannot be interrupted",
            file=sys.stderr,
        )
        self._give_up()


_limits: list[_Limit] = []  # of the deadline that the main thread is in, if any


@contextmanager
def deadline(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """Raise DeadlineExceeded in the block after ``seconds`` (0: never); main thread only.

    Python code is interrupted wherever it is. Compiled code that does not come back within twice the time cannot be;
    the process then prints where it hangs and calls ``give_up``, which must end it. Code that keeps even that from
    running, as it does not let go of the interpreter, is ended after three times the time by a thread that needs no
    interpreter; it prints where the code is.
    """
    if not seconds:
        yield
        return
    limit = _Limit(seconds, give_up)
    previous = signal.signal(signal.SIGALRM, limit.ring)
    _limits.append(limit)
    try:
        limit.start()
        yield
    finally:
        limit.stop()
        _limits.pop()
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def paused() -> Iterator[None]:
    """What is done in the block takes no time of the deadline around it, if there is one, and is not interrupted: for
    work that is none of the environment's.
    """
    if not _limits:
        yield
        return
    _limits[-1].stop()
    try:
        yield
    finally:
        _limits[-1].start()


@contextmanager
def remark_after(seconds: float, text: str) -> Iterator[None]:
    """Print a line if the block takes longer than this."""
    timer = threading.Timer(seconds, print, (text,), {"file": sys.stderr, "flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def exit_at_once() -> None:
    """``give_up`` of a process that is alone."""
    os._exit(1)

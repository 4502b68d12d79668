"""A time limit on code that may never return, such as a user's environment."""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager


class DeadlineExceeded(BaseException):
    """The time is up. Not an Exception, so that an environment's own ``except Exception`` does not swallow it."""


@contextmanager
def deadline(seconds: float, give_up: Callable[[], None]):
    """Raise DeadlineExceeded in the block after ``seconds`` (0: never); main thread only.

    Python code is interrupted wherever it is. Compiled code that does not come back within twice the time cannot be;
    the process then prints where it hangs and calls ``give_up``, which must end it. Code that keeps even that from
    running is killed by the system after three times the time on the processor.
    """
    if not seconds:
        yield
        return

    running = True

    def ring(number, frame):
        if running:  # not in the middle of the cleaning up below
            raise DeadlineExceeded

    def hang():
        faulthandler.dump_traceback(file=sys.__stderr__)
        print(f"esmaml: not done after {2 * seconds:g} s; it hangs as shown and cannot be interrupted", file=sys.stderr)
        give_up()

    watchdog = threading.Timer(2 * seconds, hang)
    watchdog.daemon = True
    previous = signal.signal(signal.SIGALRM, ring)
    watchdog.start()
    signal.setitimer(signal.ITIMER_PROF, 3 * seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        watchdog.cancel()
        signal.signal(signal.SIGALRM, previous)


def exit_at_once() -> None:
    """``give_up`` of a process that is alone."""
    os._exit(1)

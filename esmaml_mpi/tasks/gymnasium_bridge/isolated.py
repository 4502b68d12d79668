"""An instance of an environment in a process of its own, as its owner sees it; ``apart.py`` is what runs there.

What passes between the two are questions and answers over a socket pair that nobody else can reach.
"""

import contextlib
import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from esmaml_mpi.errors import FamilyError, Misfit
from esmaml_mpi.settings.fields import show

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from esmaml_mpi.tasks.gymnasium_bridge.apart import serve; serve(int(sys.argv[1]), int(sys.argv[3]))"
)
# Kinds of answers.
DONE, REFUSED, RAISED = range(3)
FAREWELL = 2.0  # seconds that an environment may take to close
STDERR = 2
# What would make an MPI library in there take it for this very rank.
OURS_ALONE = ("PMIX_", "PRTE_", "PMI_FD", "PMI_PORT", "OMPI_MCA_ess")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PASSED_OVER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)  # a job's, which its ranks obey
SHOW_WHERE = signal.SIGUSR2  # has it print where it is


class IsolatedInstance:
    """An AnyInstance. What ends its process, a crash or a call of exit, is an exception here, and it is then broken.

    An environment that has raised is made anew there before its next episode.
    """

    shown = False  # whether one of them has printed where it hangs

    def __init__(self, recipe: dict) -> None:
        """``recipe``: arguments of ``apart.made``. FamilyError if there is no such environment."""
        self.environment: str = recipe["environment"]
        self.broken = self.truncated = False
        self.success = math.nan
        self.classes: list[type] = []
        self.mask: np.ndarray | None = None
        self._recipe, self._spent = recipe, False
        ours, theirs = socket.socketpair()
        with theirs, _signals_kept():
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, str(theirs.fileno()), json.dumps(sys.path), str(os.getpid())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=STDERR if _is_open(STDERR) else subprocess.DEVNULL,  # standard output is the command's
                env=_environ(),
                process_group=0,
            )
        self._connection = Connection(ours.detach())
        self._events = select.poll()
        self._events.register(self._connection, select.POLLIN)
        self._life = -1
        with contextlib.suppress(AttributeError, OSError):  # Linux
            self._life = os.pidfd_open(self._process.pid)
            self._events.register(self._life, select.POLLIN)
        try:
            facts = self._ask("made", recipe)
        except Misfit as error:
            self.close()
            raise FamilyError(f"task.options.environment = {show(self.environment)} cannot be made: {error}.") from None
        except BaseException:
            self.close()
            raise
        self.observations, self.actions = facts["observations"], facts["actions"]
        self.own_limit: int | None = facts["own_limit"]
        self.reset_takes_options: bool = facts["reset_takes_options"]

    def reset(self, seed: int, values: dict, out: np.ndarray) -> None:
        """See ``AnyInstance``."""
        if self._spent:
            self._ask("made", self._recipe)
            self._spent = False
        out[...], self.mask = self._ask("reset", seed, values)
        self.success = math.nan

    def step(self, action: object, out: np.ndarray) -> tuple[float, bool]:
        """See ``AnyInstance``."""
        observation, earned, over, self.truncated, self.mask, self.success = self._ask("step", action)
        out[...] = observation
        return earned, over

    def render(self) -> object:
        """See ``AnyInstance``."""
        return self._ask("render")

    def set_attributes(self, values: dict) -> None:
        """See ``AnyInstance``."""
        self._ask("set_attributes", values)

    def shape_of(self, name: str) -> tuple[int, ...]:
        """See ``AnyInstance``."""
        shape: tuple[int, ...] = self._ask("shape_of", name)
        return shape

    def close(self) -> None:
        """Have it close, and end its process; at once if it has not answered."""
        if not self._connection.closed:
            with contextlib.suppress(OSError):
                if not self.broken:
                    self._connection.send(("close", ()))
                    self._events.poll(1000 * FAREWELL)
            self._connection.close()
        self._process.kill()
        self._process.wait()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    def _ask(self, method: str, *arguments: object) -> Any:
        """What a method gives there. FamilyError if it raises one, Misfit for all else that comes of it."""
        self.broken = True
        try:
            self._connection.send((method, arguments))
            ready = [number for number, _ in self._events.poll()]
            if self._connection.fileno() not in ready:  # others may hold the other end
                raise EOFError
            kind, answer = self._connection.recv()
        except (EOFError, OSError):
            raise Misfit(f"{self.environment}: the process of an instance {self._end()} in {method}()") from None
        except BaseException:  # a time limit, for one
            self._show_where()
            raise
        self.broken = False
        if kind == DONE:
            return answer
        self._spent = True
        if kind == REFUSED:
            raise FamilyError(answer)
        words, trace = answer
        error = Misfit(words)
        error.add_note(trace)
        raise error

    def _end(self) -> str:
        """How the process has ended, in words."""
        try:
            code = self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            return "does not answer any more"
        if code >= 0:
            return f"ended by itself, with exit code {code},"
        with contextlib.suppress(ValueError):
            return f"was ended by signal {-code} ({signal.Signals(-code).name})"
        return f"was ended by signal {-code}"

    def _show_where(self) -> None:
        """Have the process print where it is; once is enough."""
        if not IsolatedInstance.shown:
            IsolatedInstance.shown = True
            self._process.send_signal(SHOW_WHERE)
            self._events.poll(200)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """What is started in the block gets no signal of these until it has said what it does with them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_OVER)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _environ() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(OURS_ALONE)}
    return {**dict.fromkeys(THREADS, "1"), **ours}


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True

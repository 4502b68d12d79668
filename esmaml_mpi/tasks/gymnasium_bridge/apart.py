"""The process of an isolated instance: one environment, told what to do by the process that has started it.

It ends when that one does, however that ends. Signals to a whole job are that one's business.
"""

import faulthandler
import os
import resource
import select
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import numpy as np

from esmaml_mpi.errors import UserError, in_words, place
from esmaml_mpi.tasks.gymnasium_bridge.instance import Instance
from esmaml_mpi.tasks.gymnasium_bridge.isolated import DONE, PASSED_OVER, RAISED, REFUSED, SHOW_WHERE
from esmaml_mpi.tasks.gymnasium_bridge.source import find, make
from esmaml_mpi.tasks.gymnasium_bridge.spaces import converters

DEATH_OF_PARENT = 1  # prctl's PR_SET_PDEATHSIG


def made(environment: str, arguments: dict, values: dict, vary_as: str, scale: bool, clip: float) -> Instance:
    """An instance; FamilyError or ConfigError if there is none."""
    env = make(find(environment, arguments)[0], values, environment)
    return Instance(env, *converters(env, scale, environment), vary_as, clip)


class Answering:
    """What can be asked of the process: methods by their names."""

    def __init__(self) -> None:
        self._instance: Any = None
        self._seen = np.empty(0)

    def made(self, recipe: dict) -> dict:
        """Make the instance, in place of one that has raised; what its owner has to know of it."""
        if self._instance is not None:
            self._instance.close()
        self._instance = one = made(**recipe)
        self._seen = np.empty(one.observations.size)
        return {name: getattr(one, name) for name in ("observations", "actions", "own_limit", "reset_takes_options")}

    def reset(self, seed: int, values: dict) -> tuple[np.ndarray, np.ndarray | None]:
        """The first observation (n,), and which outputs (m,) stand for choices that are left."""
        self._instance.reset(seed, values, self._seen)
        return self._seen, self._instance.mask

    def step(self, action: object) -> tuple[np.ndarray, float, bool, bool, np.ndarray | None, float]:
        """Observation (n,), reward, whether the episode is over, whether it was cut short, the next mask, its success
        so far.
        """
        earned, over = self._instance.step(action, self._seen)
        return self._seen, earned, over, self._instance.truncated, self._instance.mask, self._instance.success

    def render(self) -> object:
        """A picture, or None."""
        picture = self._instance.render()
        return None if picture is None else np.asarray(picture)

    def set_attributes(self, values: dict) -> None:
        """See ``AnyInstance``."""
        self._instance.set_attributes(values)

    def shape_of(self, name: str) -> tuple[int, ...]:
        """See ``AnyInstance``."""
        shape: tuple[int, ...] = self._instance.shape_of(name)
        return shape

    def close(self) -> None:
        """Close the environment and leave."""
        if self._instance is not None:
            self._instance.close()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def serve(number: int, parent: int) -> None:
    """Answer on this descriptor until its other end is closed."""
    os.set_inheritable(number, False)  # what the environment starts has no use for it
    _end_with(parent, number)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    for each in PASSED_OVER:
        signal.signal(each, _pass_over)  # not SIG_IGN, which programs that an environment starts would inherit
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_OVER)
    faulthandler.register(SHOW_WHERE)
    connection, answering = Connection(number), Answering()
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[int, object] = (DONE, getattr(answering, method)(*arguments))
        except UserError as error:
            answer = (REFUSED, str(error))
        except BaseException as error:
            trace = "".join(traceback.format_exception(error)).rstrip()
            answer = (RAISED, (f"{in_words(error)}{place(error)}", trace))
        connection.send(answer)


def _end_with(parent: int, number: int) -> None:
    """End this process when its parent ends, or lets go of the other end of this descriptor."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(DEATH_OF_PARENT, signal.SIGKILL)
    except (OSError, AttributeError, ImportError):  # not Linux: the thread below is enough unless compiled code hangs
        pass
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch, args=(number,), daemon=True).start()


def _watch(number: int) -> None:
    events = select.poll()
    events.register(number, 0)  # its end is always told
    events.poll()
    os._exit(1)


def _pass_over(number: int, frame: FrameType | None) -> None:
    pass

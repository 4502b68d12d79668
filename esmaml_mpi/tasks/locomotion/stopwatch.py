"""MuJoCo times the parts of each step for ``MjData.timer``. Nobody here reads that, and reading the clock for it takes
a tenth to a quarter of a step (docs/benchmarks.md).
"""

import contextlib
import ctypes
import functools
from pathlib import Path

import mujoco


@functools.cache
def clock() -> ctypes.c_void_p | None:
    """MuJoCo's pointer to the function that tells the time, which its Python package sets; None if it is not found."""
    for library in Path(mujoco.__file__).parent.glob("libmujoco*"):
        with contextlib.suppress(OSError, ValueError):
            return ctypes.c_void_p.in_dll(ctypes.CDLL(str(library)), "mjcb_time")
    return None


@functools.cache
def switch_off() -> None:
    """No timing in this process from now on, unless the user has set a function of theirs. Steps are the same."""
    if mujoco.get_mjcb_time() is None and (pointer := clock()) is not None:
        pointer.value = None

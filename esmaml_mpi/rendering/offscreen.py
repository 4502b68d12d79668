"""OpenGL without a display for MuJoCo: EGL, or else OSMesa; both render in software where there is no graphics card.

``mujoco`` chooses its own when it is imported, from MUJOCO_GL, and takes one that needs a display by default. A library
that is there but does not work can end the process, and the first that PyOpenGL has loaded stays. So each is tried in
a process of its own.
"""

import contextlib
import functools
import importlib
import os
import subprocess
import sys
from typing import Any

from esmaml_mpi.errors import UsageError, in_words

BACKENDS = ("egl", "osmesa")
TRIAL = """
import importlib, sys, mujoco
context = importlib.import_module("mujoco." + sys.argv[1]).GLContext(16, 16)
context.make_current()
mujoco.MjrContext(mujoco.MjModel.from_xml_string("<mujoco/>"), mujoco.mjtFontScale.mjFONTSCALE_100.value)
"""


def make_context(width: int, height: int) -> Any:
    """An OpenGL context for frames of this size, of MuJoCo's own classes; it has make_current(), as_current(), free().

    UsageError if there is no way to have one.
    """
    asked = os.environ.get("MUJOCO_GL", "").lower().strip()
    backend = asked or (choose() if sys.platform == "linux" else "")
    try:
        if backend in BACKENDS:
            context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        else:
            context = importlib.import_module("mujoco").GLContext(width, height)
        context.make_current()
    except Exception as error:  # of several kinds, from PyOpenGL, glfw and MuJoCo
        chosen = f"MUJOCO_GL={asked}" if asked else backend or "the default of MuJoCo"
        raise UsageError(
            f"MuJoCo cannot render with {chosen}: {in_words(error)}. Unset MUJOCO_GL to have EGL and OSMesa tried."
            if asked
            else f"MuJoCo cannot render with {chosen}: {in_words(error)}."
        ) from error
    return context


def tell_others() -> None:
    """Set MUJOCO_GL for Gymnasium's MuJoCo environments, which else take a back end that needs a display."""
    if "mujoco" in sys.modules and sys.platform == "linux" and not os.environ.get("MUJOCO_GL"):
        with contextlib.suppress(UsageError):  # the environment may draw in another way
            os.environ["MUJOCO_GL"] = choose()


@functools.cache
def choose() -> str:
    """The first of BACKENDS that works here; UsageError if none does."""
    for backend in BACKENDS:
        if works(backend):
            return backend
    raise UsageError(
        "MuJoCo cannot render off-screen here: neither EGL nor OSMesa works. Install one: apt-get install libegl1 "
        "(Debian, Ubuntu; or libosmesa6), or the package of your system with libEGL.so.1."
    )


def works(backend: str) -> bool:
    """Whether a process with nothing else loaded can render with it."""
    # Switched off, so that importing mujoco loads no other.
    environment = {**os.environ, "MUJOCO_GL": "disabled"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", TRIAL, backend],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0

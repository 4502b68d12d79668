"""Small runs to be filmed."""

import os

import pytest

import esmaml_mpi
from esmaml_mpi.rendering import offscreen

TINY = {
    "policy": {"hidden": [8]},
    "adaptation": {"queries": 4, "step_size": 0.5},
    "meta": {"iterations": 2, "perturbations": 4, "current_evaluations": 2},
    "test": {"every": 1, "repeats": 2},
}
SMALL = ["--width", "160", "--height", "120"]
STEPS = 12


def train(path, **task):
    """A run of a few seconds; gives its results file."""
    esmaml_mpi.train({**TINY, "task": {"horizon": STEPS, **task}}, output=path)
    return path


def only(folder, *names):
    """No other file is there, of whatever name."""
    return sorted(os.listdir(folder)) == sorted(names)


def needs_opengl():
    """Skips where MuJoCo cannot render."""
    pytest.importorskip("mujoco")
    if not any(offscreen.works(backend) for backend in offscreen.BACKENDS):
        pytest.skip("neither EGL nor OSMesa works here: apt-get install libegl1")

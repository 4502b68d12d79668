"""Tiny runs, and results with numbers of our choice."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from helpers import reseal

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.results.history import GROUPS, History
from esmaml_mpi.results.reader import Results

SCRIPTS = Path(__file__).parents[2] / "analysis"
TINY = {
    "policy": {"hidden": [8]},
    "adaptation": {"queries": 4},
    "meta": {"iterations": 4, "perturbations": 6, "current_evaluations": 4},
    "test": {"every": 2, "repeats": 3},
}
TASKS = {
    "four_corners": {"name": "four_corners"},
    "navigation_2d": {"name": "navigation_2d", "options": {"goal_range": 0.3}},
    "six_circles": {"name": "six_circles", "options": {"subset": 2}},
    "sinusoid": {"name": "sinusoid"},
}
LAUNCH = {"ranks": 1, "threads": 1, "command": "esmaml train", "launch_id": "0"}


def train(path: Path | None, *overrides: str, task: str = "four_corners") -> Results:
    """A run of a second or less."""
    return esmaml_mpi.train({**TINY, "task": TASKS[task]}, overrides, output=path)


def run_script(name: str, *arguments, cwd) -> subprocess.CompletedProcess:
    """Run a script as a user does."""
    command = [sys.executable, SCRIPTS / name, *arguments]
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=120)


def like(run: Results, seed: int, *overrides: str, launches=None, **series: dict) -> Results:
    """As ``run``, with another seed and settings, and with series such as ``test={"after": ...}`` exchanged.

    What is given is spread over a row's shape: numbers (rows,) become rows of equal values.
    """
    arrays = {group: run.history[group] for group in GROUPS}
    for group, changed in series.items():
        for name, values in changed.items():
            rows = arrays[group][name]
            values = np.asarray(values)
            arrays[group][name] = np.broadcast_to(
                values.reshape(values.shape + (1,) * (rows.ndim - values.ndim)), rows.shape
            )
    config = load(run.config, [f"run.seed={seed}", *overrides])
    path = Path("_".join(["made_up", str(seed), *overrides]) + ".h5")
    history = History.from_arrays(arrays)
    return Results(path, config, history, run.checkpoint, run.test_task_ids, launches or [LAUNCH], run.interface)


def only_end(run: Results, seed: int, seconds: float) -> Results:
    """As ``run``, tested after its last iteration alone, with so many seconds an iteration."""
    made = like(run, seed, "test.every=0", train={"seconds": seconds})
    arrays = {group: made.history[group] for group in GROUPS}
    arrays["test"] = {name: rows[-1:] for name, rows in arrays["test"].items()}
    return replace(made, history=History.from_arrays(arrays))


def without_rows(path: Path, group: str) -> None:
    """Make a file look like that of a run which has not got so far."""
    with h5py.File(path, "r+") as file:
        for name in [name for name in file[group] if name != "task_id"]:
            dtype = file[group][name].dtype
            del file[group][name]
            file[group][name] = np.empty(0, dtype)
    reseal(path)

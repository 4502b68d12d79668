"""An environment of users' on 1, 2 and 3 ranks: observations in a Dict of Dicts with goals, masks, actions of parts.

One process steps it alone, as a single environment; ranks step it as a vector environment.
"""

from pathlib import Path

import pytest
from files import differences
from mpirun import run, train_arguments

import esmaml_mpi

pytest.importorskip("gymnasium")
pytestmark = pytest.mark.slow
TASKS = Path(__file__).parents[1] / "tasks"
SETTINGS = {
    "task.name": "gymnasium",
    "task.horizon": 12,
    "task.train_size": 2,
    "task.batch_size": 2,
    "task.test_size": 2,
    "task.options.vary_as": "attribute",
    "task.options.vary": "{goal = {low = -1.0, high = 1.0}}",
    "policy.hidden": [],
    "meta.iterations": 2,
    "meta.perturbations": 5,
    "meta.current_evaluations": 2,
    "adaptation.queries": 4,
    "test.repeats": 1,
}


def test_numbers_are_the_same_alone_and_in_batches_on_any_number_of_ranks(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TASKS)
    environment = "task.options.environment"
    single = {**SETTINGS, environment: "batched_environments:Everything"}
    esmaml_mpi.train({}, [f"{key}={value}" for key, value in single.items()], output=tmp_path / "1.h5")
    for ranks in (2, 3):
        settings = {**SETTINGS, environment: "batched_environments:everything"}
        command = train_arguments(settings, tmp_path / f"{ranks}.h5")
        done = run(command, ranks, PYTHONPATH=f"{TASKS}:{TASKS.parents[1]}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "came out otherwise" not in done.stderr
        assert not differences(tmp_path / "1.h5", tmp_path / f"{ranks}.h5")

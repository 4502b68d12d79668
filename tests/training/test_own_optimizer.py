"""Optimizers of the user's that work in place, and what they may keep in a checkpoint."""

import numpy as np
import pytest
from helpers import assert_same_run

import esmaml_mpi
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError, TrainingError
from esmaml_mpi.training.state import State

OWN = """
import numpy as np


class Plain:
    def __init__(self, step_size):
        self.step_size, self.velocity, self.seen = step_size, None, 0

    def step(self, theta, gradient):
        old = 0.0 if self.velocity is None else self.velocity
        self.velocity, self.seen = 0.9 * old + gradient, self.seen + 1
        return theta + self.step_size * self.velocity

    def to_arrays(self):
        return {"velocity": np.zeros(0) if self.velocity is None else self.velocity, "seen": SEEN(self.seen)}

    def restore(self, arrays):
        self.velocity, self.seen = arrays["velocity"] if len(arrays["velocity"]) else None, int(arrays["seen"])


class InPlace(Plain):
    def step(self, theta, gradient):
        if self.velocity is None:
            self.velocity = np.zeros(len(theta))
        self.velocity *= 0.9
        self.velocity += gradient
        self.seen += 1
        gradient[:] = self.velocity
        gradient *= self.step_size
        theta += gradient
        return theta
"""
SMALL = {
    "task": {"horizon": 12, "options": {"reward": "squared_distance"}},
    "policy": {"hidden": []},
    "adaptation": {"queries": 4},
    "meta": {"perturbations": 4, "current_evaluations": 2, "iterations": 5, "optimizer": "own_optimizer:InPlace"},
    "test": {"every": 2, "repeats": 1},
    "checkpoint": {"every": 1},
}


@pytest.fixture
def own(tmp_path, monkeypatch, new_process):
    """Writes the module with a type for ``seen``, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def write(seen="np.uint64"):
        (tmp_path / "own_optimizer.py").write_text(OWN.replace("SEEN", seen))

    return write


def test_one_in_place_gives_the_run_of_one_that_is_not(own):
    own()
    for more in (
        [],
        ["meta.step_size_schedule={shape='linear', final=0.1}"],
        ["meta.algorithm=zero_order_reuse", "meta.estimator=antithetic"],
    ):
        found = [esmaml_mpi.train(SMALL, [f"meta.optimizer=own_optimizer:{n}", *more]) for n in ("InPlace", "Plain")]
        assert_same_run(*found)
        assert np.ptp(found[0].history["parameters"]["value"], axis=0).max() > 0


def test_a_checkpoint_stays_as_it_was(own):
    own()
    state = State.initial(Experiment(load(SMALL).resolved()))
    theta = state.theta
    state.optimizer.step(theta, np.ones(len(theta)))
    arrays = state.to_arrays()
    kept = {"theta": arrays["theta"].copy(), "velocity": arrays["optimizer"]["velocity"].copy()}
    state.optimizer.step(theta, np.ones(len(theta)))
    assert np.array_equal(arrays["theta"], kept["theta"]) and not np.array_equal(theta, kept["theta"])
    assert np.array_equal(arrays["optimizer"]["velocity"], kept["velocity"])


def test_unsigned_numbers_are_read_again(own, tmp_path):
    own()
    whole = esmaml_mpi.train(SMALL, output=tmp_path / "whole.h5")
    esmaml_mpi.train(SMALL, ["meta.iterations=2"], output=tmp_path / "run.h5")
    assert_same_run(esmaml_mpi.train(SMALL, output=tmp_path / "run.h5", resume=True), whole)
    assert esmaml_mpi.read_results(tmp_path / "run.h5").checkpoint["optimizer"]["seen"] == 5


@pytest.mark.parametrize(
    "seen, said",
    [
        ("np.bool_", "to_arrays.* has 'seen' of type bool"),
        ("str", "has 'seen' of type <U"),
        ("(lambda n: n or None)", "has 'seen' of type object"),  # before the first step alone
        ("(lambda n: np.zeros((1,) * 5))", "and 5 axes"),
        ("1, 'a/b': int", "'a/b': a text without a slash"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_before_the_run(own, tmp_path, seen, said):
    own(seen)
    with pytest.raises(ConfigError, match=said):
        esmaml_mpi.train(SMALL, output=tmp_path / "run.h5")
    assert not (tmp_path / "run.h5").exists()


def test_what_an_algorithm_keeps_stays_of_its_kind():
    state = State.initial(Experiment(load(SMALL | {"meta": {"algorithm": "snes"}}).resolved()))
    d = len(state.theta)
    state.remember({"sigma": np.ones(d)})
    for kept in ({"sigma": np.ones(d + 1)}, {"sigma": np.ones(d, dtype=int)}, {"other": np.ones(d)}, {}):
        with pytest.raises(TrainingError, match=rf"initially_kept\(\) has sigma: floats \({d},\)"):
            state.remember(kept)

"""Rendering where one episode at a time may be under way: the first is over before the second begins."""

import sys
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.rendering.pair import Pair
from esmaml_mpi.trained.from_file import find_trained

CONFIG = {
    "policy": {"hidden": []},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "adaptation": {"queries": 3},
    "test": {"repeats": 1},
}


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """The pair of a run in an environment of tests/tasks/own_things.py."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "tasks")

    def made(name, **options):
        options = {
            "environment": f"own_things:{name}",
            "vary_as": "attribute",
            "vary": {"goal": [-1.0, 1.0]},
            **options,
        }
        task = {"name": "gymnasium", "horizon": 6, "options": options}
        esmaml_mpi.train({**CONFIG, "task": task}, output=tmp_path / f"{name}.h5")
        return Pair(find_trained(tmp_path / f"{name}.h5", "last", (), 0), 1, 0)

    yield made
    sys.modules.pop("own_things", None)


def test_two_episodes_of_one_world_are_played_and_drawn_as_if_each_had_its_own(pair):
    worlds, points = pair("OneWorld", instances=1), pair("Reach")
    shown = [0, 2, 6]
    for found, expected in zip(worlds.play(drawn=shown), points.play(drawn=shown), strict=True):
        assert found.step == expected.step and np.array_equal(found.observations, expected.observations)
        assert np.array_equal(found.returns, expected.returns) and np.array_equal(found.lengths, expected.lengths)
        if found.step in shown:
            for column in (0, 1):
                assert np.array_equal(found.simulation.frame(column), expected.simulation.frame(column))
    assert found.step == 6 and np.ptp(found.returns) > 0

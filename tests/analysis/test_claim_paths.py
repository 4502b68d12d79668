"""Shapes of paths: turns around a centre, and what exploration looks like."""

from types import SimpleNamespace

import numpy as np
import pytest

import esmaml_mpi

pytestmark = pytest.mark.usefixtures("scripts")


def test_turns_are_the_widest_angle_either_way():
    from verdicts import paths

    angle = np.linspace(0, 3 * np.pi, 100)
    circle = np.array([np.cos(angle), np.sin(angle)]).T
    assert paths.turns(circle) == pytest.approx(1.5)
    assert paths.turns(circle[::-1]) == pytest.approx(1.5)
    assert paths.turns(np.vstack([circle[:34], circle[33::-1]])) == pytest.approx(0.5)
    assert paths.turns(np.zeros((5, 2))) == 0
    assert paths.turns(np.outer(np.arange(3.0), [1.0, 2.0])) == 0


def test_shape_of_exploration():
    from verdicts import paths

    ways = [np.outer(np.linspace(0, 1, 5), way) for way in ([1.0, 0], [-1.0, 0], [0, 1.0], [0, -1.0])]
    assert paths.shape(ways) == {
        "spread": pytest.approx(1),
        "alike": pytest.approx(0, abs=1e-12),
        "detour": pytest.approx(1),
    }
    there_and_half_back = np.array([[0.0, 0], [2.0, 0], [1.0, 0]])
    alike = paths.shape([there_and_half_back, there_and_half_back, np.zeros((3, 2))])
    assert alike["alike"] == 1 and alike["detour"] == 3
    assert np.isnan(paths.shape([np.zeros((3, 2))])["detour"])


def test_visits_count_the_goals_that_are_wanted(monkeypatch):
    import verdicts.paths

    from esmaml_mpi.tasks import make_family

    family = make_family("six_circles", 200, {"goals": 3, "subset": 2})

    class Stub:
        def __init__(self, results, at, tasks, adaptations, phase):
            self.setup = SimpleNamespace(task_table=np.array([[1, 1, 0], [0, 1, 1.0]]).T)

        def paths(self, when):
            a, b, c = family.centres
            near = np.array([0.05, 0.0])
            return [[np.array([a, b + near]), np.array([a, c])], [np.array([c, b]), np.array([b, c + 3 * near])]]

    monkeypatch.setattr(verdicts.paths, "Behaviour", Stub)
    run = SimpleNamespace(test_task_ids=[0, 1], config=esmaml_mpi.load_config({"test": {"repeats": 2}}))
    found = verdicts.paths.visits(run, family, 5, None)
    assert found["solved"] == 0.5 and found["goals"] == 1.5 and found["turns"] == pytest.approx(1 / 3, rel=0.01)


def test_exploration_of_a_run():
    from verdicts import paths

    run = esmaml_mpi.train(
        {"task": {"name": "navigation_2d"}, "policy": {"hidden": [4]}, "adaptation": {"queries": 5}},
        ["meta.iterations=1", "meta.perturbations=2", "meta.current_evaluations=1", "test.repeats=1"],
    )
    found = paths.exploration(run, 1, None)
    assert found["spread"] > 0 and 0 <= found["alike"] <= 1 and found["detour"] >= 1

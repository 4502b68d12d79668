"""The best return that a family says there is: by hand, and by trying every way."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import drive, task_table

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.config.makers import best_possible
from esmaml_mpi.errors import FamilyError
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.contract import best_return


def best(name, horizon=None, **options):
    family = make_family(name, horizon, options)
    return [family.best_return(task) for task in task_table(family, 4).T]


def test_four_corners_by_hand():
    # Steps 1..5 are out of sight, step t = 6..20 costs 2 (2 - t/10)^2.
    assert best("four_corners") == pytest.approx([-40.3] * 4, abs=1e-12)
    assert best("four_corners", penalty=10000.0) == pytest.approx([-40.3] * 4, abs=1e-12)
    assert best("four_corners", 2, reward="distance") == pytest.approx([-np.sqrt(2) * (1.9 + 1.8)] * 4, abs=1e-12)


@pytest.mark.parametrize("options", [dict(variant="promp"), dict(reward="sparse"), dict(position_limit=1.5)])
def test_what_is_not_known_is_not_said(options):
    assert best("four_corners", **options) == [None] * 4


@pytest.mark.parametrize(
    "variant, limit, reach", [("released", 0.4, 0.5), ("released", 0.03, 0.15), ("finn", 0.25, 0.5)]
)
@pytest.mark.parametrize("horizon", [1, 3])
def test_no_way_through_the_plane_earns_more(variant, limit, reach, horizon):
    """Every sequence of steps that go, stand, or stop at the goal along each axis."""
    family = make_family("navigation_2d", horizon, {"variant": variant, "action_limit": limit, "goal_range": reach})
    for goal in task_table(family, 3).T:
        known = family.best_return(goal)
        steps = [
            sorted({-limit, 0.0, limit, *(np.sign(g) * min(limit, max(abs(g) - k * limit, 0.0)) for k in (0, 1))})
            for g in goal
        ]
        moves = list(itertools.product(*steps))
        ways = np.array(list(itertools.product(moves, repeat=horizon)))  # (ways, horizon, 2)
        returns, _, _ = drive(family, np.tile(goal[:, None], (1, len(ways))), ways.transpose(1, 2, 0).copy())
        assert known == pytest.approx(returns.max(), abs=1e-12)


def test_the_rest():
    assert best("cartpole_sensor_bias") == [500.0] * 4
    assert best("sinusoid") == [0.0] * 4


def test_of_a_configuration_it_is_the_mean_over_tasks():
    config = load({"task": {"name": "navigation_2d"}}).resolved()
    family, table = make_family("navigation_2d"), Experiment(config).evaluator.setup.task_table
    assert best_possible(config, [50, 52]) == pytest.approx(
        (family.best_return(table[:, 50]) + family.best_return(table[:, 52])) / 2, rel=1e-12
    )
    assert best_possible(load({"task": {"name": "six_circles"}}).resolved(), [0]) is None


def test_a_family_that_cannot_say_it_is_named():
    broken = SimpleNamespace(name="mine", best_return=lambda task: task.missing)
    with pytest.raises(FamilyError, match=r"'mine': best_return\(.*raised AttributeError"):
        best_return(broken, np.zeros((2, 3)))

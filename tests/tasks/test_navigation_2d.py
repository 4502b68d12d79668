"""Navigation to a point: rewards, early ends, and the plain episode."""

import numpy as np
import pytest
import reference
from helpers import drive, rollout_setup, task_table, unscaled

from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

RNG = np.random.default_rng(41)
EAST = np.array([[1.0], [0.0]])


def walk_east(family, goal, steps, speed=0.1):
    """An agent walking east for ``steps`` steps, to a goal (2,); twice, as a batch."""
    return drive(family, np.tile(np.array(goal)[:, None], (1, 2)), np.tile(speed * EAST, (steps, 1, 2)))


def test_goals_are_uniform_in_their_square_and_the_same_for_the_same_id():
    for variant, limit in (("released", 1.0), ("finn", 0.5)):
        family = make_family("navigation_2d", None, {"variant": variant})
        goals = task_table(family, 3000)
        assert (
            goals.shape == (2, 3000) and np.abs(goals).max() < limit and np.abs(goals).max(axis=1).min() > 0.99 * limit
        )
        assert np.all(np.abs(goals.mean(axis=1)) < 4 * limit / np.sqrt(3 * 3000))
        assert np.array_equal(goals[:, :5], task_table(family, 5))
    assert family.task_count is None


def test_the_step_that_reaches_the_goal_counts_and_nothing_after_it():
    # Goal at 0.45: distances after the steps are 0.35, 0.25, 0.15, 0.05; within 0.1 at the fourth.
    family = make_family("navigation_2d", 50)
    returns, lengths, _ = walk_east(family, (0.45, 0.0), 50)
    assert lengths.tolist() == [4, 4]
    assert returns[0] == pytest.approx(-(0.35**2 + 0.25**2 + 0.15**2 + 0.05**2), rel=1e-12)


def test_reaching_the_goal_at_the_very_last_step_or_never():
    family = make_family("navigation_2d", 4)
    assert walk_east(family, (0.45, 0.0), 4)[1].tolist() == [4, 4]
    returns, lengths, _ = walk_east(make_family("navigation_2d", 3), (0.45, 0.0), 3)
    assert lengths.tolist() == [3, 3]
    assert returns[0] == pytest.approx(-(0.35**2 + 0.25**2 + 0.15**2), rel=1e-12)


def test_leaving_the_goal_again_does_not_reopen_the_episode():
    family = make_family("navigation_2d", 50)
    _, _, path = walk_east(family, (0.45, 0.0), 50)
    assert path[-1, 0, 0] == pytest.approx(1.0)  # it walked on, to the wall at 1
    never = make_family("navigation_2d", 50, {"end": "never"})
    assert walk_east(never, (0.45, 0.0), 50)[1].tolist() == [50, 50]


def test_finn_ends_within_a_hundredth_in_both_coordinates():
    family = make_family("navigation_2d", 10, {"variant": "finn"})
    returns, lengths, _ = walk_east(family, (0.305, 0.0), 10)
    assert lengths.tolist() == [3, 3]
    assert returns[0] == pytest.approx(-(0.205 + 0.105 + 0.005), rel=1e-12)
    assert walk_east(family, (0.305, 0.02), 10)[1].tolist() == [10, 10]  # level in x alone is not enough


def test_a_finished_episode_shows_only_the_observations_it_acted_upon():
    setup = rollout_setup("navigation_2d", (), 50, tasks=1)
    east = np.zeros((6, 3))
    east[4] = 5.0  # bias of the first action: full speed east
    goals = np.array([[0.45, 0.45, -0.9], [0.0, 0.0, 0.0]])
    result = simulate(setup.policy, setup.family, east, goals, None, unscaled(2), Workspace())
    assert result.lengths.tolist() == [4, 4, 50]
    seen = [0.0, 0.1, 0.2, 0.3]
    np.testing.assert_allclose(
        result.observation_sums[:, 0], [sum(seen), 0.0, sum(x * x for x in seen), 0.0], rtol=1e-12
    )


VARIANTS = {
    "released": ({}, 1.0, 1.0, reference.dense_squared, lambda p, goal: reference.squared(p, goal) <= 0.01),
    "finn": (
        {"variant": "finn"},
        np.inf,
        0.5,
        reference.dense,
        lambda p, goal: abs(p[0] - goal[0]) < 0.01 and abs(p[1] - goal[1]) < 0.01,
    ),
    "finn, wide end": (
        {"variant": "finn", "end_distance": 0.2},
        np.inf,
        0.5,
        reference.dense,
        lambda p, goal: abs(p[0] - goal[0]) < 0.2 and abs(p[1] - goal[1]) < 0.2,
    ),
    "endless": ({"end": "never"}, 1.0, 1.0, reference.dense_squared, lambda p, goal: False),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_random_walks_earn_what_the_plain_episode_earns(variant):
    options, limit, goal_range, reward, over = VARIANTS[variant]
    family = make_family("navigation_2d", 60, options)
    goals = RNG.uniform(-goal_range, goal_range, (2, 60))
    actions = 0.05 * goals + RNG.normal(0.0, 0.1, (60, 2, 60))
    returns, lengths, path = drive(family, goals, actions)
    for column in range(60):
        script, goal = iter(actions[:, :, column]), goals[:, column]
        expected = reference.walk(
            lambda _, script=script: next(script), (0.0, 0.0), 60, 0.1, limit, lambda p, goal=goal: over(p, goal)
        )
        assert lengths[column] == len(expected) - 1
        assert np.array_equal(path[: len(expected), :, column], expected)
        assert returns[column] == pytest.approx(reference.total(expected, reward(goal)), rel=1e-12)
    early = np.count_nonzero(lengths < 60)
    assert early > 10 if variant in ("released", "finn, wide end") else early < 10

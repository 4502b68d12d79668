"""Six circles: which goals count, when they are switched off, and the facts known about the task."""

import itertools

import numpy as np
import pytest
import reference
from helpers import drive, task_table

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tasks import make_family

RNG = np.random.default_rng(51)
SHORTEST_TOUR = (1, 0, 5, 4, 3, 2)


def tour(order, horizon):
    """Actions (horizon, 2, 2) and path of an agent that visits the goals in this order and then stays.

    It walks to each goal, clipped at 0.1 per coordinate, until that one is switched off.
    """
    centres, left, script = make_family("six_circles").centres, list(order), []

    def act(position):
        if left and reference.squared(position, centres[left[0]]) < 0.01:
            left.pop(0)
        script.append(
            [0.0, 0.0]
            if not left
            else [reference.clip(g - p, 0.1) for g, p in zip(centres[left[0]], position, strict=True)]
        )
        return script[-1]

    path = reference.walk(act, (0.0, 0.0), horizon, 0.1, 5.0)
    return np.repeat(np.array(script)[:, :, None], 2, axis=2), path


def test_goals_are_on_a_ring_of_radius_root_8():
    centres = make_family("six_circles").centres
    np.testing.assert_allclose(np.hypot(*centres.T), np.sqrt(8))
    np.testing.assert_allclose(centres[0], [np.sqrt(8), 0.0], atol=1e-15)
    np.testing.assert_allclose(np.hypot(*(centres[1] - centres[0])), np.sqrt(8))  # a hexagon


def test_tasks_are_all_subsets():
    family = make_family("six_circles", None, {"goals": 5, "subset": 2})
    tasks = task_table(family, family.task_count)
    assert family.task_count == 10
    assert {tuple(np.flatnonzero(column)) for column in tasks.T} == set(itertools.combinations(range(5), 2))
    assert make_family("six_circles").task_count == 1 and np.array_equal(
        task_table(make_family("six_circles"), 1), np.ones((6, 1))
    )


def test_more_correct_goals_than_goals_are_refused():
    with pytest.raises(ConfigError, match=r"task\.options\.subset = 6.*task\.options\.goals = 3"):
        make_family("six_circles", None, {"goals": 3})


@pytest.mark.parametrize("horizon, best", [(100, -1566), (200, -1754)])
def test_the_shortest_tour_earns_the_known_return(horizon, best):
    family = make_family("six_circles", horizon)
    actions, _ = tour(SHORTEST_TOUR, horizon)
    returns, _, _ = drive(family, task_table(family, 1)[:, [0, 0]], actions)
    assert abs(returns[0] - best) < 0.5  # known to the whole number


def test_all_six_are_off_after_148_steps_and_cost_nothing_from_then_on():
    actions, path = tour(SHORTEST_TOUR, 200)
    _, visited = reference.ring(path, 6, range(6))
    assert sorted(visited.values())[-1] == 148 and len(visited) == 6
    returns = {}
    for horizon in (147, 148, 149, 200):
        family = make_family("six_circles", horizon)
        returns[horizon] = drive(family, task_table(family, 1)[:, [0, 0]], actions[:horizon])[0][0]
    assert returns[148] == returns[149] == returns[200] != returns[147]  # the step that switches off still counts


def test_never_exploring_costs_4_per_goal_and_step():
    for horizon in (100, 200):
        family = make_family("six_circles", horizon)
        returns, _, _ = drive(family, task_table(family, 1)[:, [0, 0]], np.zeros((horizon, 2, 2)))
        assert np.array_equal(returns, [-24.0 * horizon] * 2)


def test_a_goal_stays_off_when_the_agent_returns_to_it():
    # One goal at (1, 0). Reached at the tenth step (dist^2 < 0.01), left, and visited again.
    family = make_family("six_circles", 30, {"goals": 1, "subset": 1, "ring_radius": 1.0})
    east = np.concatenate([np.full(10, 0.1), np.full(10, -0.1), np.full(10, 0.1)])
    actions = np.stack([east, np.zeros(30)], axis=1)[:, :, None].repeat(2, axis=2)
    returns, _, _ = drive(family, np.ones((1, 2)), actions)
    assert returns[0] == pytest.approx(-np.sum((1 - np.arange(1, 11) / 10) ** 2), rel=1e-12)


def test_just_outside_the_switch_off_distance_a_goal_stays_on():
    family = make_family("six_circles", 3, {"goals": 1, "subset": 1, "ring_radius": 1.0, "action_limit": 2.0})
    for stop, off in ((0.89, False), (0.91, True)):
        actions = np.zeros((3, 2, 2))
        actions[0, 0] = stop
        returns, _, _ = drive(family, np.ones((1, 2)), actions)
        assert returns[0] == pytest.approx(-((1 - stop) ** 2) * (1 if off else 3), rel=1e-9)


def test_the_straight_way_to_a_goal_meets_no_wrong_one():
    # The smallest squared distance to a neighbouring goal on the way is 6 > 4, and 8 at its end.
    family = make_family("six_circles", 60, {"subset": 1})
    actions, _ = tour((2,), 60)
    tasks = task_table(family, 6)
    returns, _, _ = drive(family, tasks, actions[:, :, :1].repeat(6, axis=2))
    assert returns[2] > -4 * 60
    assert np.all(np.delete(returns, 2) < -10000)  # the same way is forbidden where goal 2 is a wrong one


@pytest.mark.parametrize("goals, subset, penalty", [(6, 6, 1e4), (4, 1, 1e4), (6, 2, 100.0), (5, 3, 0.0)])
def test_random_walks_earn_what_the_plain_episode_earns(goals, subset, penalty):
    family = make_family("six_circles", 120, {"goals": goals, "subset": subset, "penalty": penalty})
    tasks = task_table(family, family.task_count)
    columns = np.arange(60) % family.task_count
    actions = RNG.uniform(-0.12, 0.12, (2, 60)) + RNG.normal(0.0, 0.08, (120, 2, 60))
    returns, _, path = drive(family, tasks[:, columns], actions)
    for column in range(60):
        correct = set(np.flatnonzero(tasks[:, columns[column]]).tolist())
        expected, _ = reference.ring([tuple(p) for p in path[:, :, column]], goals, correct, penalty)
        assert returns[column] == pytest.approx(expected, rel=1e-11)

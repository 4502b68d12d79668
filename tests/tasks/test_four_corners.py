"""Four corners by hand, and against one-step-at-a-time episodes."""

import numpy as np
import pytest
import reference
from helpers import drive, task_table

from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.four_corners import CORNERS

RNG = np.random.default_rng(31)
ALL = np.arange(4)


def toward(corner, speed, steps):
    """Actions (steps, 2, 4): every one of four agents walks towards one corner."""
    return np.tile(speed * np.sign(CORNERS[corner])[:, None], (steps, 1, 4))


def test_tasks_are_the_four_corners():
    family = make_family("four_corners")
    assert np.array_equal(task_table(family, 4), np.array([[2, -2, -2, 2], [2, 2, -2, -2]]))
    assert family.task_count == 4 and family.horizon == 100
    with pytest.raises(IndexError):
        family.task_parameters(4, None)


def test_never_seeing_the_goal_costs_4_a_step():
    family = make_family("four_corners")
    returns, lengths, path = drive(family, task_table(family, 4), np.zeros((100, 2, 4)))
    assert np.array_equal(returns, [-400.0] * 4) and np.array_equal(lengths, [100] * 4)
    assert np.all(path == 0)


@pytest.mark.parametrize("corner", ALL)
def test_the_straight_diagonal_earns_minus_40_3_at_its_corner_and_minus_400_elsewhere(corner):
    # Steps 1..5 are out of sight (-4 each), step t = 6..20 costs 2 (2 - t/10)^2, the rest nothing:
    # -20 - 2/100 * (14^2 + 13^2 + .. + 0^2) = -20 - 2/100 * 1015
    family = make_family("four_corners")
    stop = np.concatenate([toward(corner, 0.1, 20), np.zeros((80, 2, 4))])
    returns, _, path = drive(family, task_table(family, 4), stop)
    assert returns[corner] == pytest.approx(-40.3, abs=1e-12)
    assert np.array_equal(np.delete(returns, corner), [-400.0] * 3)
    np.testing.assert_allclose(path[20, :, 0], CORNERS[corner], atol=1e-14)


def test_actions_are_clipped_per_coordinate_and_positions_to_the_arena():
    family = make_family("four_corners")
    actions = np.tile(np.array([[7.0], [-0.03]]), (100, 1, 2))
    _, _, path = drive(family, task_table(family, 2), actions)
    np.testing.assert_allclose(path[:, 0, 0], np.minimum(0.1 * np.arange(101), 5.0), atol=1e-13)
    np.testing.assert_allclose(path[:, 1, 0], -0.03 * np.arange(101), atol=1e-13)


def test_the_reward_is_that_of_the_position_after_the_step():
    family = make_family("four_corners", 1, {"action_limit": 2.0})
    returns, _, _ = drive(family, task_table(family, 4), toward(0, 2.0, 1))
    assert returns[0] == 0.0


@pytest.mark.parametrize("corner", ALL)
def test_penalised_variant_by_hand(corner):
    # Walking to a corner that is wrong for the others: per step 10000 * (dist^2 - 4) within 2 of it, and -4 for their
    # own goal, which they never see.
    family = make_family("four_corners", 20, {"penalty": 10000.0})
    returns, _, _ = drive(family, task_table(family, 4), toward(corner, 0.1, 20))
    inside = 2 * (2 - np.arange(6, 21) / 10) ** 2
    expected = np.full(4, -80.0 + 10000 * (inside - 4).sum())
    expected[corner] = -40.3
    np.testing.assert_allclose(returns, expected, rtol=1e-12)


def test_promp_variant_by_hand():
    # Four steps of 0.2 along both axes: |x| + |y| is 0.4, 0.8, 1.2, 1.6; the first, below 0.5, earns nothing.
    family = make_family("four_corners", 4, {"variant": "promp"})
    returns, _, _ = drive(family, task_table(family, 4), toward(0, 0.2, 4), np.zeros((2, 4)))
    assert returns[0] == pytest.approx(3 * 0.2 * np.sqrt(2), abs=1e-12)
    assert np.array_equal(returns[1:], np.zeros(3))


def test_promp_episodes_start_anywhere_within_0_2():
    family = make_family("four_corners", None, {"variant": "promp"})
    noise = family.draw_noise(np.random.default_rng(0), 4000)
    assert noise.shape == (2, 4000) and np.abs(noise).max() < 0.2
    assert np.all(noise.max(axis=1) > 0.199) and np.all(np.abs(noise.mean(axis=1)) < 4 * 0.2 / np.sqrt(3 * 4000))
    _, _, path = drive(family, task_table(family, 4), np.zeros((3, 2, 4)), noise[:, :4])
    assert np.array_equal(path[0], noise[:, :4])
    assert make_family("four_corners").noise_size == 0


VARIANTS = {
    "released": ({}, 0.1, 5.0, reference.bowl),
    "penalised": ({"penalty": 10000.0}, 0.1, 5.0, lambda goal: reference.penalised(goal, 10000.0)),
    "promp": ({"variant": "promp"}, 0.2, np.inf, reference.sparse),
    "promp dense": ({"variant": "promp", "reward": "distance"}, 0.2, np.inf, reference.dense),
    "promp squared": ({"variant": "promp", "reward": "squared_distance"}, 0.2, np.inf, reference.dense_squared),
    "small arena": ({"position_limit": 1.5}, 0.1, 1.5, reference.bowl),
    "start near the wall": (
        {"position_limit": 0.7, "start_range": 0.6, "reward": "distance"},
        0.1,
        0.7,
        reference.dense,
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_random_walks_earn_what_the_plain_episode_earns(variant):
    options, action_limit, position_limit, reward = VARIANTS[variant]
    family = make_family("four_corners", 100, options)
    corners = np.arange(40) % 4
    drift = 0.03 * CORNERS[corners].T + RNG.uniform(-0.06, 0.06, (2, 40))  # to the corner, to others, to the walls
    actions = drift + RNG.normal(0.0, 0.1, (100, 2, 40))
    noise = family.draw_noise(RNG, 40) if family.noise_size else None
    returns, lengths, path = drive(family, CORNERS[corners].T, actions, noise)
    assert np.array_equal(lengths, [100] * 40)
    for column, corner in enumerate(corners):
        script = iter(actions[:, :, column])
        start = (0.0, 0.0) if noise is None else noise[:, column]
        expected = reference.walk(lambda _, script=script: next(script), start, 100, action_limit, position_limit)
        assert np.array_equal(path[:, :, column], expected)
        assert returns[column] == pytest.approx(
            reference.total(expected, reward(reference.CORNERS[corner])), rel=1e-12, abs=1e-12
        )
    assert len(set(returns.tolist())) > 15  # the walks did see something

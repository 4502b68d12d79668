"""Noise and outliers in rewards."""

import numpy as np
import pytest
from helpers import near

from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.settings.fields import parse


def apply(corruption, rewards, seed=0, has_pivot=True):
    """One application with its own generator."""
    return corruption.apply(rewards, np.random.default_rng(seed), has_pivot)


REWARDS = np.array([-50.0, -40.0, -45.0, -42.0, -41.0, -44.0])


def test_nothing_set_changes_nothing():
    assert not RewardCorruption().active
    assert np.array_equal(apply(RewardCorruption(), REWARDS), REWARDS)


def test_it_is_deterministic_and_makes_a_new_array():
    corruption, before = RewardCorruption(fraction=0.5, noise_std=1.0), REWARDS.copy()
    first = apply(corruption, REWARDS, 3)
    assert np.array_equal(first, apply(corruption, REWARDS, 3)) and np.array_equal(REWARDS, before)
    assert not np.array_equal(first, apply(corruption, REWARDS, 4))


def test_relative_outliers_are_so_many_spreads_from_the_mean():
    found = apply(RewardCorruption(fraction=1.0, outlier_scale=7.0, corrupt_pivot=True), REWARDS)
    np.testing.assert_allclose(np.abs(found - REWARDS.mean()), 7.0 * REWARDS.std(), rtol=1e-12)
    assert len(set(found)) == 2  # both signs


def test_absolute_outliers_have_their_size():
    found = apply(RewardCorruption(fraction=1.0, outlier_scale=7.0, relative=False), REWARDS, has_pivot=False)
    assert set(found) == {7.0, -7.0}


def test_equal_rewards_have_no_relative_outliers():
    equal = np.full(9, -324.0)
    assert np.array_equal(apply(RewardCorruption(fraction=0.5), equal), equal)


@pytest.mark.parametrize("fraction", [0.1, 0.23, 0.5])
@pytest.mark.parametrize("size", [5, 20])
@pytest.mark.parametrize("has_pivot, corrupt_pivot", [(True, False), (True, True), (False, False)])
def test_the_share_is_met_on_average_and_every_reward_that_can_be_is_hit_alike(
    fraction, size, has_pivot, corrupt_pivot
):
    corruption = RewardCorruption(fraction=fraction, outlier_scale=1e6, corrupt_pivot=corrupt_pivot)
    rng = np.random.default_rng(5)
    rewards = rng.standard_normal(size)
    hit = np.array([np.abs(corruption.apply(rewards, rng, has_pivot)) > 1e3 for _ in range(4000)]).astype(float)
    exposed = size if corrupt_pivot or not has_pivot else size - 1
    assert near(hit[:, :exposed], fraction)
    assert hit[:, exposed:].sum() == 0
    assert set(np.floor(hit.sum(axis=1) - fraction * exposed + 1e-9)) <= {-1, 0}  # never off by one or more


def test_signs_are_even():
    corruption, rng = RewardCorruption(fraction=0.5, outlier_scale=1.0, relative=False), np.random.default_rng(6)
    values = np.array([corruption.apply(np.zeros(10), rng, False).sum() for _ in range(4000)])
    assert near(values, 0.0)


def test_noise_has_its_spread_and_reaches_the_pivot():
    rng = np.random.default_rng(7)
    noise = np.array([RewardCorruption(noise_std=2.0).apply(REWARDS, rng, True) - REWARDS for _ in range(4000)])
    assert near(noise, 0.0) and near(noise**2, 4.0)


@pytest.mark.parametrize("fraction", [0.3, 1.0])
def test_a_failed_query_stays_failed_and_spoils_nothing(fraction):
    rewards = REWARDS.copy()
    rewards[[1, 3]] = np.nan, np.inf
    found = apply(RewardCorruption(fraction=fraction, noise_std=0.1), rewards)
    assert np.array_equal(np.isfinite(found), np.isfinite(rewards))
    assert np.isnan(apply(RewardCorruption(fraction=fraction), np.full(4, np.nan))).all()


def test_settings_are_read_with_their_limits():
    found = parse(RewardCorruption, {"fraction": 0.2, "noise_std": 1}, "corruption")
    assert found == RewardCorruption(fraction=0.2, noise_std=1.0) and found.active
    for key, value in [("fraction", 1.1), ("outlier_scale", 0), ("noise_std", -1.0)]:
        with pytest.raises(ValueError, match=rf"corruption\.{key}"):
            parse(RewardCorruption, {key: value}, "corruption")

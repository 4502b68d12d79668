"""Returns, generalised advantages and the linear baseline against sums written out."""

import numpy as np
import pytest

from esmaml_mpi.baselines.advantages import AdvantageEstimation, discounted, gae
from esmaml_mpi.baselines.baseline_fit import features, fitted, predicted, summary
from esmaml_mpi.baselines.moments import joined_moments, moments

RNG = np.random.default_rng(8)
LENGTHS = [7, 3, 1, 7]
WEIGHTS = (np.arange(7) < np.array(LENGTHS)[:, None]).astype(float)
REWARDS, VALUES, OBSERVATIONS = RNG.normal(size=(4, 7)), RNG.normal(size=(4, 7)), 3 * RNG.normal(size=(4, 2, 7))


def test_returns_are_discounted_sums_until_the_end():
    found = discounted(REWARDS, WEIGHTS, 0.9)
    for e, length in enumerate(LENGTHS):
        for t in range(7):
            expected = sum(0.9 ** (k - t) * REWARDS[e, k] for k in range(t, length))
            assert found[e, t] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("gae_lambda", [0.0, 0.7, 1.0])
def test_gae_is_the_weighted_mean_of_all_n_step_advantages(gae_lambda):
    """Schulman et al. 2016, equations 11 to 16: (1 - lambda) sum_n lambda^(n-1) A^(n), the last one with the rest."""
    found, gamma = gae(REWARDS, VALUES, WEIGHTS, 0.9, gae_lambda), 0.9
    for e, length in enumerate(LENGTHS):
        for t in range(length):
            value = [*VALUES[e, :length], 0.0]
            advantages = [
                sum(gamma**k * REWARDS[e, t + k] for k in range(n)) + gamma**n * value[t + n] - value[t]
                for n in range(1, length - t + 1)
            ]
            shares = [(1 - gae_lambda) * gae_lambda**n for n in range(len(advantages) - 1)]
            shares.append(gae_lambda ** (len(advantages) - 1))
            assert found[e, t] == pytest.approx(np.dot(shares, advantages), abs=1e-13)
        assert not found[e, length:].any()


def test_features_are_clipped_observations_squares_and_powers_of_time():
    observations = np.array([[[2.0, -30.0]]])
    expected = [[[2, -10], [4, 100], [0, 0.01], [0, 0.01**2], [0, 0.01**3], [1, 1]]]
    np.testing.assert_allclose(features(observations), expected)


@pytest.mark.parametrize("ridge", [1e-5, 10.0])
def test_the_baseline_is_ridge_regression_on_the_steps_that_count(ridge):
    rows = np.array([features(OBSERVATIONS)[e, :, t] for e, length in enumerate(LENGTHS) for t in range(length)])
    wanted = np.array([VALUES[e, t] for e, length in enumerate(LENGTHS) for t in range(length)])
    penalised = np.concatenate([rows, np.sqrt(ridge) * np.eye(8)])
    coefficients = np.linalg.lstsq(penalised, np.concatenate([wanted, np.zeros(8)]), rcond=None)[0]
    fit = fitted(summary(OBSERVATIONS, VALUES, WEIGHTS, 0)[None], 2, 7, ridge)
    found = predicted(OBSERVATIONS, fit)[WEIGHTS > 0]
    np.testing.assert_allclose(found, rows @ coefficients, rtol=1e-6, atol=1e-8)


def test_what_lies_after_an_end_changes_nothing():
    junk = [np.where(WEIGHTS > 0, array, 1e3) for array in (REWARDS, VALUES)]
    seen = np.where(WEIGHTS[:, None] > 0, OBSERVATIONS, 5.0)
    estimation = AdvantageEstimation()
    first = estimation.advantages(OBSERVATIONS, REWARDS, WEIGHTS)
    np.testing.assert_allclose(estimation.advantages(seen, junk[0], WEIGHTS), first, rtol=1e-12)
    np.testing.assert_allclose(gae(*junk, WEIGHTS, 0.9, 0.5), gae(REWARDS, VALUES, WEIGHTS, 0.9, 0.5), rtol=1e-12)
    assert not first[WEIGHTS == 0].any()


def test_standardised_over_the_steps_that_count():
    estimation = AdvantageEstimation()

    def standardized(raw):
        return estimation.standardized(raw, WEIGHTS, estimation.moments(raw, WEIGHTS))

    taken = standardized(REWARDS)[WEIGHTS > 0]
    assert taken.mean() == pytest.approx(0, abs=1e-15) and taken.std() == pytest.approx(1, abs=1e-7)
    assert np.array_equal(standardized(np.full((4, 7), 3.0)), np.zeros((4, 7)))


def test_by_default_lambda_is_1_so_that_advantages_are_returns_minus_the_baseline():
    found = AdvantageEstimation(normalize=False).advantages(OBSERVATIONS, REWARDS, WEIGHTS)
    returns = discounted(REWARDS, WEIGHTS, 0.99)
    fit = fitted(summary(OBSERVATIONS, returns, WEIGHTS, 0)[None], 2, 7, 1e-5)
    expected = np.where(WEIGHTS > 0, returns - predicted(OBSERVATIONS, fit), 0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_returns_that_no_episode_exceeds_are_no_advantage():
    """The discounted sums of a constant are no polynomial of time: what the baseline leaves of them is its error."""
    observations, weights = RNG.normal(size=(4, 3, 30)), np.ones((4, 30))
    rewards = np.full((4, 30), -3.7)
    for estimation in (AdvantageEstimation(), AdvantageEstimation(normalize=False)):
        assert np.all(estimation.advantages(observations, rewards, weights) == 0)
    rewards[2, 17] += 1e-6
    assert np.abs(AdvantageEstimation().advantages(observations, rewards, weights)).max() > 0.1
    weights[1, 20:] = 0  # ended early: that is a difference
    assert np.abs(AdvantageEstimation().advantages(observations, np.full((4, 30), -3.7), weights)).max() > 0.1


def test_advantages_of_rewards_whose_squares_are_infinite():
    observations, rewards, weights = RNG.normal(size=(4, 3, 30)), RNG.normal(size=(4, 30)), np.ones((4, 30))
    expected = AdvantageEstimation().advantages(observations, rewards, weights)
    found = AdvantageEstimation().advantages(observations, np.ldexp(rewards, 900), weights)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("cut", [[1], [2], [1, 3], [1, 2, 3]])
@pytest.mark.parametrize("power", [0, 900])
def test_advantages_of_shares_are_those_of_all_episodes(cut, power):
    """Rewards of a share may be so large that their squares are infinite, and others' not."""
    rewards = REWARDS.copy()
    rewards[0] = np.ldexp(rewards[0], power)
    estimation = AdvantageEstimation(gae_lambda=0.8)
    shares = list(zip(*(np.split(array, cut) for array in (OBSERVATIONS, rewards, WEIGHTS)), strict=True))
    fit = estimation.fitted(np.array([estimation.summary(*share) for share in shares]), 2, 7)
    raw = [estimation.raw(*share, fit) for share in shares]
    of_all = joined_moments(
        np.array([estimation.moments(part, share[2]) for part, share in zip(raw, shares, strict=True)])
    )
    found = [estimation.standardized(part, share[2], of_all) for part, share in zip(raw, shares, strict=True)]
    expected = estimation.advantages(OBSERVATIONS, rewards, WEIGHTS)
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-9, atol=1e-9)


def test_moments_of_parts_are_those_of_all():
    values = 1e6 + RNG.normal(size=50)
    count, mean, squares = joined_moments(np.array([moments(part) for part in np.split(values, [0, 7, 8, 30])]))
    assert count == 50 and mean == pytest.approx(values.mean(), rel=1e-15)
    assert squares / count == pytest.approx(values.var(), rel=1e-9)

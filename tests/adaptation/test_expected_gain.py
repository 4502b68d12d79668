"""The expected gain of one more trial against an integral, and against what trials that are drawn have gained."""

import math

import numpy as np
import pytest
from helpers import near

from esmaml_mpi.adaptation.expected_gain import excess, expected_gain

RNG = np.random.default_rng(17)


@pytest.mark.parametrize("t", [0.0, 0.01, 0.3, 1.0, 2.5, 6.0, 12.0])
def test_the_excess_of_a_standard_normal_is_its_integral(t):
    x, weights = np.polynomial.legendre.leggauss(200)
    x = 15.0 * (x + 1.0)  # t to t + 30
    integral = 15.0 * np.sum(weights * x * np.exp(-((x + t) ** 2) / 2)) / math.sqrt(2 * math.pi)
    assert excess(np.array(t)) == pytest.approx(integral, rel=1e-3)


def test_gains_are_what_one_more_trial_gains_on_average():
    """Beliefs N(mean, variance / count); a reward is drawn for one policy, and the highest mean looked at again."""
    means, counts, variance = np.array([1.0, 3.0, 2.5, -2.0]), np.array([2.0, 5.0, 1.0, 1.0]), 4.0
    found = expected_gain(means, counts, np.array(variance))
    for i in range(4):
        truth = means[i] + np.sqrt(variance / counts[i]) * RNG.standard_normal(200_000)
        rewards = truth + np.sqrt(variance) * RNG.standard_normal(200_000)
        highest = np.repeat(means[:, None], 200_000, axis=1)
        highest[i] = (counts[i] * means[i] + rewards) / (counts[i] + 1)
        assert near(highest.max(axis=0) - means.max(), found[i])


def test_of_two_policies_the_one_with_fewer_trials_gains_more():
    for means in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5]):
        first, second = expected_gain(np.array(means), np.array([3.0, 4.0]), np.array(2.0))
        assert first > second > 0


def test_no_gain_without_noise_of_a_failed_policy_or_of_one_alone():
    means, counts = np.array([1.0, -np.inf, 0.5]), np.ones(3)
    gains = expected_gain(means, counts, np.array(1.0))
    assert gains[1] == 0 and gains[0] > 0 and gains[2] > 0
    assert not expected_gain(means, counts, np.array(0.0)).any()
    assert not expected_gain(np.full(3, -np.inf), counts, np.array(1.0)).any()
    assert not expected_gain(np.array([1.0]), np.ones(1), np.array(1.0)).any()


def test_gains_do_not_depend_on_what_is_beside_them():
    means, counts = RNG.normal(size=(7, 3, 9)), RNG.integers(1, 6, (7, 3, 9)).astype(float)
    variance = RNG.uniform(0.1, 2.0, (7, 3))
    whole = expected_gain(means, counts, variance)
    for u in range(7):
        for t in range(3):
            assert np.array_equal(expected_gain(means[u, t], counts[u, t], variance[u, t]), whole[u, t])

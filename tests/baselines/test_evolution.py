"""The evolving step by hand."""

import math

import numpy as np
import pytest

from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.errors import ConfigError

RNG = np.random.default_rng(4)


def test_every_coordinate_of_a_candidate_moves_by_sigma():
    theta, normals = RNG.normal(size=5), RNG.normal(size=(5, 3))
    moved = Evolution(3, sigma=0.25).points(theta, normals) - theta[:, None]
    np.testing.assert_allclose(moved, np.where(normals > 0, 0.25, -0.25), rtol=1e-12)


@pytest.mark.parametrize("temperature", [0.05, 1.0, 7.0])
def test_weights_are_the_softmax_of_standardised_performances(temperature):
    points, performances = RNG.normal(size=(4, 3)), [-3.0, -1.0, -2.5]
    mean = sum(performances) / 3
    std = math.sqrt(sum((value - mean) ** 2 for value in performances) / 3)
    powers = [math.exp((value - mean) / std / temperature) for value in performances]
    expected = sum(power / sum(powers) * points[:, p] for p, power in enumerate(powers))
    found = Evolution(3, temperature=temperature).mixture(points, np.array(performances))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_scale_of_rewards_does_not_matter_and_large_ones_do_not_overflow():
    points, performances = RNG.normal(size=(4, 3)), RNG.normal(size=3)
    evolution = Evolution(3, temperature=1e-4)
    expected = points[:, performances.argmax()]
    for scale in (1.0, 1e6):
        np.testing.assert_allclose(evolution.mixture(points, scale * performances - 300.0), expected, rtol=1e-9)


def test_candidates_that_perform_alike_are_averaged():
    points = RNG.normal(size=(4, 3))
    np.testing.assert_allclose(Evolution(3).mixture(points, np.full(3, -324.61)), points.mean(axis=1), rtol=1e-12)


def test_units_and_tasks_are_mixed_by_themselves():
    evolution = Evolution(3, temperature=0.7)
    theta, normals = RNG.normal(size=(4, 2, 5)), RNG.normal(size=(4, 2, 5, 3))
    points, performances = evolution.points(theta, normals), RNG.normal(size=(2, 5, 3))
    whole = evolution.mixture(points, performances)
    for u, t in np.ndindex(2, 5):
        assert np.array_equal(whole[:, u, t], evolution.mixture(points[:, u, t], performances[u, t]))


@pytest.mark.parametrize("wrong", [{"candidates": 1}, {"sigma": 0.0}, {"temperature": -1.0}])
def test_refusals(wrong):
    ((key, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"{key} = {value}"):
        Evolution(**wrong)

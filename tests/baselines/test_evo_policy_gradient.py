"""Candidates' performances by hand, and the gradient at the mixture against the exact one."""

import numpy as np
import pytest
from linear_gaussian import POLICY, THETA, nodes, slope, trajectories

from esmaml_mpi.baselines.evo_policy_gradient import EvoPolicyGradient
from esmaml_mpi.baselines.policy_gradient import PolicyGradient
from esmaml_mpi.baselines.trajectories import log_probabilities


@pytest.mark.parametrize("clip", [0.2, 0.01])
def test_performances_are_ppos_clipped_objective(clip):
    support = trajectories(THETA, *nodes(2, 4))
    points = THETA[:, None] + 0.1 * np.random.default_rng(0).normal(size=(3, 5))
    found = EvoPolicyGradient(POLICY, clip).performances(points, support)
    for p, value in enumerate(found):
        moved = log_probabilities(POLICY, points[:, p], support.observations, support.actions)
        ratios, total = np.exp(moved - support.log_probabilities), 0.0
        columns = zip(ratios.flat, support.advantages.flat, support.weights.flat, strict=True)
        for ratio, advantage, weight in columns:
            most = (1 + clip) * advantage if advantage > 0 else (1 - clip) * advantage
            total += weight * min(ratio * advantage, most)
        assert value == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_gradient_is_the_exact_one(steps):
    query = trajectories(THETA, *nodes(steps, 12))
    found = PolicyGradient(POLICY).rise(THETA, query) / query.weights.sum()
    np.testing.assert_allclose(found, slope(THETA, steps), rtol=1e-9)

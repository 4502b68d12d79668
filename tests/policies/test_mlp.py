"""Architectures, initialisation, and actions against a plain-Python policy."""

import numpy as np
import pytest
import reference

from esmaml_mpi.policies.mlp import Policy

RNG = np.random.default_rng(2)

# (observation, action) sizes and the numbers of parameters of linear, H32 and H32-32 policies: reference section A.5.
SIZES = {
    "navigation": (2, 2, 6, 162, 1218),
    "cartpole": (4, 1, 5, 193, 1249),
    "swimmer": (8, 2, 18, 354, 1410),
    "cheetah": (17, 6, 108, 774, 1830),
    "ant-27": (27, 8, 224, 1160, 2216),
    "ant-111": (111, 8, 896, 3848, 4904),
    "ant-113": (113, 8, 912, 3912, 4968),
}


@pytest.mark.parametrize("name", SIZES)
def test_parameter_counts_are_the_papers(name):
    n, m, *counts = SIZES[name]
    policies = [Policy(n, m, hidden) for hidden in ((), (32,), (32, 32))]
    assert [policy.size for policy in policies] == counts
    assert [len(policy.initial(RNG)) for policy in policies] == counts


def test_initial_weights_are_scaled_by_their_own_layers_inputs():
    policy = Policy(50, 20, (400, 100))
    theta, start = policy.initial(np.random.default_rng(0)), 0
    for inputs, outputs in ((50, 400), (400, 100), (100, 20)):
        weights, bias = np.split(theta[start : start + (inputs + 1) * outputs], [inputs * outputs])
        start += (inputs + 1) * outputs
        assert np.all(bias == 0)
        expected = np.sqrt(2 / inputs)
        assert abs(weights.mean()) < 4 * expected / np.sqrt(weights.size)
        assert abs(weights.std() - expected) < 4 * expected / np.sqrt(2 * weights.size)  # four standard errors


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_the_output_gain_scales_the_last_layers_weights_alone(hidden):
    policy = Policy(3, 2, hidden)
    last = (policy.layers[-1][0] + 1) * 2
    plain, scaled, still = (policy.initial(np.random.default_rng(4), gain) for gain in (1.0, 0.25, 0.0))
    np.testing.assert_allclose(scaled[-last:], 0.25 * plain[-last:], rtol=1e-15)
    assert np.array_equal(scaled[:-last], plain[:-last]) and np.array_equal(
        plain, policy.initial(np.random.default_rng(4))
    )
    assert np.all(
        policy.bind(still[:, None].repeat(2, axis=1), np.zeros(3), np.ones(3)).act(RNG.normal(size=(3, 2))) == 0
    )


def test_initialisation_is_the_generators_alone():
    policy = Policy(3, 2, (5,))
    same = [policy.initial(np.random.default_rng(4)) for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], policy.initial(np.random.default_rng(5)))


@pytest.mark.parametrize("hidden", [(), (5,), (4, 3), (1,)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("output", ["tanh", "identity"])
def test_actions_are_those_of_a_plain_policy_on_normalised_observations(hidden, activation, output):
    policy = Policy(3, 2, hidden, activation, output)
    theta, observations = RNG.normal(size=(policy.size, 6)), RNG.normal(size=(3, 6))
    mean, std = np.array([0.3, -2.0, 40.0]), np.array([1.0, 0.1, 7.0])
    actions = policy.bind(theta, mean, std).act(observations)
    for column in range(6):
        expected = reference.act(
            theta[:, column],
            [3, *hidden, 2],
            observations[:, column],
            mean,
            std,
            reference.relu if activation == "relu" else np.tanh,
            np.tanh if output == "tanh" else float,
        )
        # mean and std are folded into the first layer, which rounds differently: 1e-16 |mean / std| |weights|
        np.testing.assert_allclose(actions[:, column], expected, rtol=1e-11, atol=1e-12)


def test_one_bound_policy_acts_again_and_again():
    policy = Policy(2, 2, (8,))
    bound = policy.bind(RNG.normal(size=(policy.size, 4)), np.zeros(2), np.ones(2))
    first, second = RNG.normal(size=(2, 2, 4))
    expected = bound.act(first).copy()
    bound.act(second)
    assert np.array_equal(bound.act(first), expected)


def test_binding_and_acting_leave_their_inputs_alone():
    policy = Policy(2, 2, (8,))
    theta, observations = RNG.normal(size=(policy.size, 4)), RNG.normal(size=(2, 4))
    copies = theta.copy(), observations.copy()
    policy.bind(theta, np.ones(2), np.full(2, 3.0)).act(observations)
    assert np.array_equal(theta, copies[0]) and np.array_equal(observations, copies[1])


def test_tanh_output_stays_within_the_unit_box():
    policy = Policy(2, 3, (4,))
    actions = policy.bind(RNG.normal(size=(policy.size, 50)) * 100, np.zeros(2), np.ones(2)).act(
        RNG.normal(size=(2, 50))
    )
    assert np.abs(actions).max() <= 1.0 and np.abs(actions).max() > 0.99

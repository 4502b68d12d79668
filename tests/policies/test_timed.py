"""Policies that see the time: against plain loops, and what they are not."""

import numpy as np
import pytest

from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import remembers
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.policies.timed import Timed

RNG = np.random.default_rng(12)
SUBJECT = Timed(2, 3, (5,), "tanh", nodes=4, every=3, scale=2.0)


def hats(step):
    """By hand: twice the share of a step that each of 4 nodes has, 3 steps apart."""
    if step >= 9:
        return [0.0, 0.0, 0.0, 2.0]
    before, part = divmod(step, 3)
    shares = [0.0] * 4
    shares[before], shares[before + 1] = 2 * (1 - part / 3), 2 * part / 3
    return shares


def test_it_is_plain_layers_of_observation_and_hats():
    parameters, seen = RNG.normal(size=(SUBJECT.size, 6)), RNG.normal(size=(14, 2, 6))
    mean, std = np.array([0.5, -1.0]), np.array([2.0, 0.3])
    bound = SUBJECT.bind(parameters, mean, std)
    plain = Policy(6, 3, (5,), "tanh").bind(parameters, np.append(mean, np.zeros(4)), np.append(std, np.ones(4)))
    for step in range(14):
        inputs = np.concatenate([seen[step], np.repeat(np.array(hats(step))[:, None], 6, axis=1)])
        np.testing.assert_allclose(bound.act(seen[step]), plain.act(inputs), rtol=1e-12)
        assert np.all(bound.state == step + 1)


def test_what_is_learned_of_one_time_is_of_no_account_at_others():
    parameters, seen = RNG.normal(size=(SUBJECT.size, 2)), RNG.normal(size=(2, 1)).repeat(2, axis=1)
    parameters[:, 1] = parameters[:, 0]
    weights = parameters[: 6 * 5].reshape(6, 5, 2)  # of two observed numbers, then four nodes
    weights[4, :, 1] += 1.0
    bound = SUBJECT.bind(parameters, np.zeros(2), np.ones(2))
    differs = []
    for _ in range(12):
        actions = bound.act(seen)
        differs.append(bool(np.any(actions[:, 0] != actions[:, 1])))
    assert differs == [3 < step < 9 for step in range(12)]  # the node at step 6 reaches to its neighbours


def test_it_can_begin_at_a_later_step():
    parameters, seen = RNG.normal(size=(SUBJECT.size, 2)), RNG.normal(size=(2, 2))
    early, late = (SUBJECT.bind(parameters, np.zeros(2), np.ones(2), step) for step in (0, 4))
    for _ in range(4):
        first = early.act(seen).copy()
    assert np.array_equal(early.act(seen), late.act(seen)) and not np.array_equal(first, early.act(seen))


def test_what_it_says_of_itself():
    assert SUBJECT.size == 6 * 5 + 5 + 5 * 3 + 3 and remembers(SUBJECT)
    assert SUBJECT.first_biases.tolist() == list(range(30, 35))


@pytest.mark.parametrize(
    "options", [{"nodes": 1}, {"every": 0}, {"nodes": 2.5}, {"every": True}, {"scale": 0}, {"scale": "3"}]
)
def test_options_that_are_refused(options):
    (key,) = options
    with pytest.raises(ConfigError, match=rf"policy\.options\.{key} = .* is wanted"):
        load({"policy": {"architecture": "timed", "options": options}}).resolved()

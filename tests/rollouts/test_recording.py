"""Recorded episodes are those that were simulated, whatever they were simulated beside."""

import numpy as np
import pytest
from helpers import drive, same, task_table, unscaled

from esmaml_mpi.baselines.stochastic_policy import StochasticPolicy
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.rollouts.trials import RolloutSetup, Trials
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

RNG = np.random.default_rng(3)
# Its episodes end early, and the batch is narrowed: cart-poles fall, walkers too.
FAMILIES = {"navigation_2d": 15, "cartpole_sensor_bias": 80, "walker2d_forward_backward": 40}


def rollout_setup(name):
    family = make_family(name, FAMILIES[name], {})
    policy = StochasticPolicy(Policy(family.observation_size, family.action_size, (3,), output="identity"), 0.7)
    return RolloutSetup(policy, family, task_table(family, 2), Streams(5))


def trials(setup, units, observer=None):
    observer = observer or unscaled(setup.policy.observation_size)
    return Trials(setup, units, observer, Workspace(), Purpose.QUERY_EPISODE)


UNITS = Units(Round(Phase.TRAIN, 3), np.array([[0, 1], [1, 0], [0, 1]]), np.array([4, 5, 9]))


def points(setup):
    starts = [setup.policy.initial(RNG) for _ in range(6)]
    return np.stack(starts, axis=1).reshape(-1, 3, 2)


@pytest.mark.parametrize("name", FAMILIES)
def test_recorded_actions_lead_to_the_recorded_rewards(name):
    setup = rollout_setup(name)
    subject = trials(setup, UNITS)
    recording = subject.record(np.repeat(points(setup)[..., None], 5, axis=-1))
    assert recording.observations.shape[:3] == recording.actions.shape[:3] == (3, 2, 5) and recording.finite.all()
    lengths = recording.weights.sum(axis=-1)
    if name != "navigation_2d":
        assert len(set(lengths.ravel())) > 5 and lengths.min() < FAMILIES[name] // 2
    if name != "walker2d_forward_backward":  # whose start is random too: the returns are compared below
        tasks = np.repeat(setup.task_table[:, UNITS.tasks.ravel()], 5, axis=1)
        noise = trials(setup, UNITS)._columns(np.zeros((setup.policy.size, 3, 2, 5)), shared=False)[2]
        actions = np.moveaxis(recording.actions.reshape(30, -1, FAMILIES[name]), (0, 2), (2, 0))
        returns, driven, observations = drive(setup.family, tasks, actions, noise)
        assert same(driven, lengths.ravel())
        np.testing.assert_allclose(returns, recording.returns.ravel(), rtol=1e-12)
        seen = np.moveaxis(observations[:-1], (0, 2), (2, 0)) * recording.weights.reshape(30, 1, -1)
        np.testing.assert_allclose(seen, recording.observations.reshape(30, -1, FAMILIES[name]), atol=1e-12)
    assert subject.tally.rollouts.tolist() == [10] * 3
    assert subject.tally.steps.tolist() == lengths.sum(axis=(1, 2)).tolist()


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_recorded_is_what_is_scored(name):
    setup = rollout_setup(name)
    parameters = np.repeat(points(setup)[..., None], 4, axis=-1)
    recording, values = trials(setup, UNITS).record(parameters), trials(setup, UNITS).evaluate(parameters)
    np.testing.assert_allclose(recording.returns, values, rtol=1e-12)
    off = np.broadcast_to(recording.weights[:, :, :, None] == 0, recording.observations.shape)
    assert not recording.observations[off].any() and not recording.rewards[recording.weights == 0].any()


@pytest.mark.parametrize("name", FAMILIES)
def test_units_beside_it_change_no_bit_of_a_recording(name):
    setup = rollout_setup(name)
    n = setup.policy.observation_size
    observer = Observer(RNG.normal(size=n) * 0.1, RNG.uniform(0.5, 2.0, n))
    parameters = np.repeat(points(setup)[..., None], 4, axis=-1)
    whole = trials(setup, UNITS, observer).record(parameters)
    for i in range(3):
        alone = trials(setup, UNITS[i : i + 1], observer).record(parameters[:, i : i + 1])
        for part in ("observations", "actions", "rewards", "weights"):
            assert same(getattr(whole, part)[i], getattr(alone, part)[0]), part


def test_a_lone_episode_is_the_same_bits_as_beside_others():
    """One action, and more to add up than eight numbers: NumPy's sums of one column have another order."""
    family = make_family("cartpole_sensor_bias", 30, {})
    policy = StochasticPolicy(Policy(4, 1, (64,), output="identity"), 0.7)
    setup = RolloutSetup(policy, family, task_table(family, 3), Streams(5))
    observer = Observer(RNG.normal(size=4) * 0.1, RNG.uniform(0.5, 2.0, 4))
    units = Units(Round(Phase.TRAIN, 3), np.arange(3)[:, None], np.zeros(3, dtype=int))
    parameters = np.stack([policy.initial(RNG) for _ in range(3)], axis=1)[..., None, None]
    whole = trials(setup, units, observer).record(parameters)
    for i in range(3):
        alone = trials(setup, units[i : i + 1], observer).record(parameters[:, i : i + 1])
        for part in ("observations", "actions", "rewards", "weights"):
            assert same(getattr(whole, part)[i], getattr(alone, part)[0]), part


def test_actions_are_means_plus_noise_that_later_evaluations_do_not_share():
    setup = rollout_setup("navigation_2d")
    subject, parameters = trials(setup, UNITS), np.repeat(points(setup)[..., None], 50, axis=-1)
    first, second = subject.record(parameters), subject.record(parameters)
    residuals = []
    for recording in (first, second):
        flat = np.repeat(parameters[..., 0].reshape(setup.policy.size, -1), 50, axis=1)
        bound = setup.policy.mean.bind(flat, np.zeros(2), np.ones(2))
        means = bound.act(recording.observations[..., 3].reshape(300, 2).T.copy())
        residuals.append((recording.actions[..., 3].reshape(300, 2).T - means) / 0.7)
    assert not np.array_equal(*residuals)
    for residual in residuals:
        assert np.all(np.abs(residual.mean(axis=1)) < 4 / np.sqrt(300))
        assert np.all(np.abs(residual.var(axis=1) - 1) < 4 * np.sqrt(2 / 300))
        assert abs(np.mean(residual[0] * residual[1])) < 4 / np.sqrt(300)

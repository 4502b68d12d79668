"""Regression as an episode: the return is minus the mean squared error over the samples shown."""

import numpy as np
import pytest
import reference
from helpers import drive, rollout_setup, task_table, unscaled

from esmaml_mpi.native.door import sin
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

RNG = np.random.default_rng(61)


def test_amplitudes_and_phases_are_the_published_ones():
    tasks = task_table(make_family("sinusoid"), 3000)
    for row, low, high in ((0, 0.1, 5.0), (1, 0.0, np.pi)):
        assert low <= tasks[row].min() < low + 0.02 and high - 0.02 < tasks[row].max() < high
        assert abs(tasks[row].mean() - (low + high) / 2) < 4 * (high - low) / np.sqrt(12 * 3000)


def test_inputs_are_uniform_within_5_and_as_many_as_the_horizon():
    family = make_family("sinusoid", 40)
    noise = family.draw_noise(np.random.default_rng(0), 200)
    assert family.noise_size == 40 and noise.shape == (40, 200)
    assert 4.99 < np.abs(noise).max() < 5.0 and abs(noise.mean()) < 4 * 5 / np.sqrt(3 * 8000)
    assert make_family("sinusoid").horizon == 100


def test_the_return_is_minus_the_mean_squared_error():
    family = make_family("sinusoid", 30)
    tasks, inputs = task_table(family, 12), family.draw_noise(RNG, 12)
    predictions = RNG.normal(size=(30, 1, 12))
    returns, lengths, shown = drive(family, tasks, predictions, inputs)
    amplitude, phase = tasks
    np.testing.assert_allclose(
        returns, -np.mean((predictions[:, 0] - amplitude * np.sin(inputs - phase)) ** 2, axis=0), rtol=1e-12
    )
    assert np.array_equal(shown[:-1, 0], inputs) and np.array_equal(lengths, [30] * 12)


def test_a_perfect_prediction_earns_nothing_less_than_0():
    family = make_family("sinusoid", 30)
    tasks, inputs = task_table(family, 5), family.draw_noise(RNG, 5)
    perfect = (tasks[0] * sin(inputs - tasks[1]))[:, None]
    assert np.array_equal(drive(family, tasks, perfect, inputs)[0], np.zeros(5))


@pytest.mark.parametrize("horizon", [1, 2, 25])
def test_a_policys_episode_is_its_error_on_the_samples(horizon):
    setup = rollout_setup("sinusoid", (6,), horizon, tasks=8, activation="tanh", output="identity")
    theta, inputs = RNG.normal(size=(setup.policy.size, 8)), setup.family.draw_noise(RNG, 8)
    result = simulate(setup.policy, setup.family, theta, setup.task_table, inputs, unscaled(1), Workspace())
    for column in range(8):
        amplitude, phase = setup.task_table[:, column]
        errors = []
        for x in inputs[:, column]:
            (prediction,) = reference.act(theta[:, column], [1, 6, 1], [x], [0.0], [1.0], output=float)
            errors.append((prediction - amplitude * np.sin(x - phase)) ** 2)
        assert result.returns[column] == pytest.approx(-sum(errors) / horizon, rel=1e-12)
    np.testing.assert_allclose(
        result.observation_sums, [inputs.sum(axis=0), (inputs**2).sum(axis=0)], rtol=1e-12, atol=1e-12
    )

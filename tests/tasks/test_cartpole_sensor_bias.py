"""Biased-sensor CartPole against Gymnasium's CartPole and against its equations written out."""

import math

import gymnasium
import numpy as np
import pytest
from helpers import drive

from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

RNG = np.random.default_rng(11)


def plain_episode(state, bias, forces, horizon):
    """The equations one at a time: observations, rewards."""
    x, v, angle, spin = state
    seen, rewards = [[x, v, angle + bias, spin]], []
    for force in forces[:horizon]:
        push = (force + 0.05 * spin**2 * math.sin(angle)) / 1.1
        turn = (9.8 * math.sin(angle) - math.cos(angle) * push) / (0.5 * (4 / 3 - 0.1 * math.cos(angle) ** 2 / 1.1))
        run = push - 0.05 * turn * math.cos(angle) / 1.1
        x, v, angle, spin = x + 0.02 * v, v + 0.02 * run, angle + 0.02 * spin, spin + 0.02 * turn
        seen.append([x, v, angle + bias, spin])
        failed = abs(x) >= 2.4 or abs(angle) >= 12 * math.pi / 180
        rewards.append(0.0 if failed else 1.0)
        if failed:
            break
    return np.array(seen), rewards


def test_episodes_follow_the_equations():
    family, batch = make_family("cartpole_sensor_bias", 200), 12
    bias, starts = RNG.uniform(-0.17, 0.17, (1, batch)), RNG.uniform(-0.05, 0.05, (4, batch))
    actions = RNG.uniform(-1.5, 1.5, (200, 1, batch))
    returns, lengths, observations = drive(family, bias, actions, starts)
    ended = set()
    for b in range(batch):
        forces = 10 * np.clip(actions[:, 0, b], -1, 1)
        seen, rewards = plain_episode(starts[:, b], bias[0, b], forces, 200)
        assert lengths[b] == len(rewards) and returns[b] == sum(rewards)
        np.testing.assert_allclose(observations[: len(seen), :, b], seen, rtol=0, atol=1e-12)
        ended.add(len(rewards))
    assert len(ended) > 3 and max(ended) < 200


def test_full_force_is_gymnasiums_cartpole():
    """Whose two actions are -10 N and 10 N, and whose angle limit is the same 12 degrees."""
    family, reference = make_family("cartpole_sensor_bias"), gymnasium.make("CartPole-v1").unwrapped
    for _ in range(5):
        reference.reset(seed=int(RNG.integers(1000)))
        start = RNG.uniform(-0.05, 0.05, 4)
        reference.state = tuple(start)
        pushes = RNG.integers(0, 2, 100)
        _, lengths, observations = drive(
            family,
            np.zeros((1, 2)),
            np.repeat(2.0 * pushes[:, None, None] - 1, 2, axis=2),
            np.stack([start] * 2, axis=1),
        )
        for t, push in enumerate(pushes):
            seen, _, over, *_ = reference.step(int(push))
            np.testing.assert_allclose(observations[t + 1, :, 0], seen, rtol=1e-6, atol=1e-6)  # Gymnasium's are float32
            if over:
                break
        assert over and lengths[0] == t + 1


def test_hidden_velocities_leave_position_and_biased_angle():
    bias, starts = np.array([[0.1, -0.1]]), RNG.uniform(-0.05, 0.05, (4, 2))
    actions = np.zeros((5, 1, 2))
    full = drive(make_family("cartpole_sensor_bias"), bias, actions.copy(), starts)[2]
    masked = drive(make_family("cartpole_sensor_bias", None, {"observe_velocities": False}), bias, actions, starts)[2]
    assert masked.shape[1] == 2 and np.array_equal(masked, full[:, [0, 2]])
    assert np.array_equal(full[0, 2], starts[2] + bias[0])


def test_biases_are_the_five_thousand_of_the_source():
    family = make_family("cartpole_sensor_bias")
    drawn = np.array([family.task_parameters(i, np.random.default_rng(i))[0] for i in range(2000)])
    grid = np.linspace(-math.radians(10), math.radians(10), 5000)
    assert np.isin(drawn, grid).all() and abs(drawn.mean()) < 4 * grid.std() / math.sqrt(2000)
    assert drawn.min() < -0.17 and drawn.max() > 0.17 and grid[1] - grid[0] == pytest.approx(7e-5, rel=0.01)


def test_a_pole_at_rest_that_is_let_alone_stays_up_without_noise():
    family = make_family("cartpole_sensor_bias", None, {"start_range": 0.0})
    assert family.noise_size == 0
    returns, lengths, _ = drive(family, np.array([[0.1, 0.0]]), np.zeros((500, 1, 2)))
    assert returns.tolist() == [500.0, 500.0] and lengths.tolist() == [500, 500]


@pytest.mark.parametrize("hidden", [(), (8,)])
def test_any_grouping_gives_the_same_bits(hidden):
    """Policies from hopeless to good: the many that fall early leave the batch, down to one."""
    family = make_family("cartpole_sensor_bias", 300)
    policy = Policy(4, 1, hidden)
    batch = 40
    parameters = 0.05 * RNG.normal(size=(policy.size, batch))
    if not hidden:
        parameters[:, -1:] = np.array([[0.1, 0.5, 4.0, 1.0, 0.0]]).T  # balances
    tasks, starts = RNG.uniform(-0.1, 0.1, (1, batch)), family.draw_noise(RNG, batch)
    observer = Observer(np.array([0.01, 0.0, 0.02, 0.0]), np.array([1.1, 1.0, 0.9, 1.2]))

    def run(columns):
        result = simulate(
            policy, family, parameters[:, columns], tasks[:, columns], starts[:, columns], observer, Workspace(), True
        )
        return [*result.returns, *result.lengths, *result.observation_sums.ravel()]

    whole = simulate(policy, family, parameters, tasks, starts, observer, Workspace(), True)
    assert len(set(whole.lengths.tolist())) > 5
    for b in range(batch):
        expected = [whole.returns[b], whole.lengths[b], *whole.observation_sums[:, b]]
        assert run([b]) == expected
        pair = np.array(run([b, (b + 7) % batch]))
        assert pair[[0, 2, *range(4, 20, 2)]].tolist() == expected
    if not hidden:
        assert whole.lengths[-1] == 300 and np.sort(whole.lengths)[-2] < 300
        length = whole.lengths[-1]
        seen = whole.observations[:length, :, -1]
        np.testing.assert_allclose(whole.observation_sums[:4, -1], seen.sum(axis=0), rtol=1e-12)


def test_a_policy_that_is_not_a_number_is_no_survivor():
    family = make_family("cartpole_sensor_bias", 20)
    actions = np.zeros((20, 1, 3))
    actions[4:, :, 1] = np.nan
    simulation = family.simulation(np.zeros((1, 3)), None, Workspace())
    observations = np.empty((21, 4, 3))
    simulation.reset(observations[0])
    for t in range(20):
        simulation.step(actions[t], observations[t + 1])
    rewards, over = simulation.rewards(observations, np.zeros((1, 3)))
    assert np.isnan(rewards[4, 1]) and over[4:, 1].all() and not over[:, [0, 2]].any()
    assert np.array_equal(rewards[:, [0, 2]], np.ones((20, 2)))

"""Families as Gymnasium environments: Gymnasium's own check, seeds, ends, and the tasks of a run."""

import sys
import types
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from helpers import drive

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.environments import BRIDGE, environment_id, register
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tasks import FAMILIES, make_family

NAMES = [name for name in FAMILIES if name != BRIDGE]
# Positions have no bounds, and predictions of a sine are not within +-1.
EXPECTED = ("Box observation space m.* value is -?infinity", "we recommend using a symmetric and normalized space")


def episode(env, actions, seed=None):
    """Observations, rewards and how it ended."""
    observation, _ = env.reset(seed=seed)
    seen, rewards = [observation], []
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        seen.append(observation)
        rewards.append(reward)
        if terminated or truncated:
            break
    return np.array(seen), np.array(rewards), terminated, truncated


@pytest.mark.parametrize("name", NAMES)
def test_every_family_passes_gymnasiums_check(name):
    env = gymnasium.make(environment_id(name), horizon=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in EXPECTED:
            warnings.filterwarnings("ignore", message=f".*{message}")
        check_env(env.unwrapped, skip_render_check=True)
    assert env.observation_space.dtype == np.float64 and env.unwrapped.family.name == name


def test_importing_the_module_by_id_is_enough_and_registering_again_changes_nothing():
    before = dict(gymnasium.registry)
    register()
    assert gymnasium.registry == before
    assert gymnasium.make("esmaml_mpi.environments:esmaml/FourCorners-v0").unwrapped.family.name == "four_corners"
    assert f"esmaml/{FAMILIES[BRIDGE].rpartition(':')[2]}-v0" not in gymnasium.registry


def test_a_task_number_is_the_runs_task():
    for name, number, seed in (("navigation_2d", 7, 3), ("four_corners", 2, 0)):
        config = load({"task": {"name": name, "seed": seed}}).resolved()
        table = Experiment(config).evaluator.setup.task_table
        env = gymnasium.make(environment_id(name), task=number, task_seed=seed).unwrapped
        assert np.array_equal(env.task_parameters[:, 0], table[:, number])
        env.reset(options={"task": 1})
        assert env.task == 1 and np.array_equal(env.task_parameters[:, 0], table[:, 1])


@pytest.mark.parametrize(
    "name, options",
    [
        ("four_corners", {"reward": "sparse", "start_range": 0.3}),
        ("sinusoid", {}),
        ("half_cheetah_forward_backward", {"variant": "promp"}),
    ],
)
def test_episodes_are_those_of_the_families_simulation(name, options):
    env, family = gymnasium.make(environment_id(name), horizon=25, task=1, **options), make_family(name, 25, options)
    actions = np.random.default_rng(4).uniform(env.action_space.low, env.action_space.high, (25, family.action_size))
    seen, rewards, terminated, truncated = episode(env, actions, seed=11)
    noise = family.draw_noise(np.random.default_rng(11), 1).repeat(2, axis=1)  # Gymnasium's generator is PCG64 too
    tasks = env.unwrapped.task_parameters.repeat(2, axis=1)
    returns, lengths, observations = drive(family, tasks, actions[:, :, None].repeat(2, axis=2), noise)
    assert np.array_equal(seen, observations[:, :, 0]) and truncated and not terminated
    assert rewards.sum() == pytest.approx(returns[0], rel=1e-12) and len(rewards) == lengths[0] == 25


def test_seeds_reproduce_episodes_and_others_follow():
    env = gymnasium.make("esmaml/HalfCheetahGoalVelocity-v0", variant="promp", horizon=5)
    starts = [env.reset(seed=seed)[0] for seed in (1, None, 1, None, 2)]
    assert np.array_equal(starts[0], starts[2]) and np.array_equal(starts[1], starts[3])
    assert not np.array_equal(starts[0], starts[1]) and not np.array_equal(starts[0], starts[4])


def test_an_episode_ends_where_the_task_does():
    env = gymnasium.make("esmaml/Navigation2D-v0", horizon=50, variant="finn", task=2)
    goal = env.unwrapped.task_parameters[:, 0]
    steps = int(np.ceil(np.abs(goal).max() / 0.1))
    position, _ = env.reset()
    for t in range(steps):
        position, reward, terminated, truncated, _ = env.step(np.clip(goal - position, -0.1, 0.1))
        assert terminated == (t + 1 == steps) and not truncated
    assert reward == pytest.approx(0.0, abs=1e-12) and 1 < steps < 50
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2))


def test_it_is_truncated_at_the_horizon_or_at_gymnasiums_limit():
    for arguments, length in (({}, 100), ({"horizon": 7}, 7), ({"max_episode_steps": 6}, 6)):
        env = gymnasium.make("esmaml/FourCorners-v0", **arguments)
        _, rewards, terminated, truncated = episode(env, np.zeros((200, 2)))
        assert (len(rewards), terminated, truncated) == (length, False, True)


def test_actions_beyond_the_bounds_do_no_more():
    env = gymnasium.make("esmaml/FourCorners-v0", action_limit=0.3)
    assert env.action_space.high.tolist() == [0.3, 0.3]
    env.reset()
    assert env.step(np.array([5.0, -5.0]))[0].tolist() == [0.3, -0.3]
    assert gymnasium.make("esmaml/Sinusoid-v0", amplitude_high=2.5).action_space.high.tolist() == [2.5]


def test_pictures_are_the_painters(monkeypatch):
    calls = []

    class Painter:
        def frame(self, simulation, column, observations, tasks):
            calls.append((column, observations.shape, tasks.shape))
            return np.zeros((30, 40, 3), np.uint8)

        def close(self):
            calls.append("closed")

    rendering = types.ModuleType("esmaml_mpi.rendering")
    rendering.make_painter = lambda family, width, height: calls.append((width, height)) or Painter()
    monkeypatch.setitem(sys.modules, "esmaml_mpi.rendering", rendering)
    env = gymnasium.make("esmaml/FourCorners-v0", render_mode="rgb_array", width=40, height=30)
    env.reset()
    env.step(np.zeros(2))
    assert env.render().shape == (30, 40, 3)
    env.close()
    assert calls == [(40, 30), (0, (2, 2, 2), (2, 2)), "closed"]
    assert gymnasium.make("esmaml/FourCorners-v0").unwrapped.render() is None


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"task": 4}, "task = 4: four_corners has tasks 0 to 3"),
        ({"task": -1}, "task = -1: four_corners has tasks"),
        ({"horizon": 0}, "horizon = 0: an integer >= 1"),
        ({"task_seed": -1}, "task_seed = -1: an integer from 0"),
        ({"penalti": 1.0}, "Did you mean 'task.options.penalty'"),
    ],
)
def test_a_wrong_argument_says_what_is_right(arguments, message):
    with pytest.raises(ConfigError, match=message):
        gymnasium.make("esmaml/FourCorners-v0", **arguments)

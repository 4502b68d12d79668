"""Copies and pickles of environments in the middle of an episode go on as the original does."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest

import esmaml_mpi.environments  # noqa: F401 (registers them)

WAYS = {"deepcopy": copy.deepcopy, "pickle": lambda env: pickle.loads(pickle.dumps(env))}
CASES = {
    "FourCorners": {},
    "Sinusoid": {},
    "CartPoleSensorBias": {},
    "HalfCheetahGoalVelocity": {"task": 1},
    "Walker2dRandomParameters": {"task": 1},
}


def steps(env, actions):
    """All that comes of actions, and of the episode after these."""
    found = []
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        found.append((*np.ravel(observation), *np.ravel(reward), *np.ravel(terminated), *np.ravel(truncated)))
        if np.ndim(terminated) == 0 and (terminated or truncated):
            found.append(tuple(env.reset()[0]))
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_a_single_environment(name, way):
    if name.startswith(("Half", "Walker")):
        pytest.importorskip("mujoco")
    env = gymnasium.make(f"esmaml/{name}-v0", horizon=15, **CASES[name])
    env.action_space.seed(1)
    actions = [env.action_space.sample() for _ in range(24)]
    fresh = WAYS[way](env)
    assert np.array_equal(fresh.reset(seed=4)[0], env.reset(seed=4)[0])
    steps(env, actions[:6])
    other = WAYS[way](env)
    expected = steps(env, actions[6:])
    assert steps(other, actions[6:]) == expected  # the original, whose steps came first, has not moved the copy


@pytest.mark.parametrize("way", WAYS)
def test_a_vector_environment_whose_episodes_started_at_different_times(way):
    envs = gymnasium.make_vec("esmaml/CartPoleSensorBias-v0", num_envs=5, horizon=30)
    envs.action_space.seed(2)
    actions = [envs.action_space.sample() * 3.0 for _ in range(60)]
    envs.reset(seed=[7, 8, 9, 10, 11])
    steps(envs, actions[:35])
    assert len(envs.unwrapped._cohorts) > 1
    other = WAYS[way](envs)
    assert steps(other, actions[35:]) == steps(envs, actions[35:])


def test_a_copy_draws_itself():
    pytest.importorskip("matplotlib")
    env = gymnasium.make("esmaml/FourCorners-v0", render_mode="rgb_array", width=60, height=60)
    env.reset(seed=0)
    steps(env, [env.action_space.sample()] * 3)
    picture = env.render()
    assert np.array_equal(copy.deepcopy(env).render(), picture)

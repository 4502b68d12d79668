"""Families as vector environments: what Gymnasium's own SyncVectorEnv of single ones gives, bit for bit."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import esmaml_mpi.environments  # noqa: F401 (registers)
from esmaml_mpi.errors import ConfigError

COUNT = 5


def pair(id, count=COUNT, **arguments):
    """The vector environment, and Gymnasium's of single ones with the same tasks."""
    vector = gymnasium.make_vec(id, num_envs=count, vectorization_mode="vector_entry_point", **arguments)
    singles = [lambda task=task: gymnasium.make(id, task=task, **arguments) for task in vector.unwrapped.tasks]
    return vector, SyncVectorEnv(singles)


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert type(one) is type(other)
        assert one == {} if isinstance(one, dict) else one.dtype == other.dtype and np.array_equal(one, other)


@pytest.mark.parametrize(
    "id, arguments, steps",
    [
        ("esmaml/FourCorners-v0", dict(horizon=9, penalty=10.0, start_range=0.1), 40),
        ("esmaml/Navigation2D-v0", dict(horizon=30, goal_range=0.15), 150),
        ("esmaml/Sinusoid-v0", dict(horizon=12), 40),
        ("esmaml/CartPoleSensorBias-v0", dict(horizon=25), 120),
        ("esmaml/Walker2dForwardBackward-v0", dict(horizon=30, variant="promp"), 120),
        ("esmaml/Walker2dRandomParameters-v0", dict(horizon=20, variant="oyster"), 60),
        ("esmaml/AntDirection-v0", dict(horizon=15), 40),
    ],
)
def test_it_is_gymnasiums_vector_of_single_environments(id, arguments, steps):
    vector, singles = pair(id, **arguments)
    assert vector.observation_space == singles.observation_space and vector.action_space == singles.action_space
    rng, ends = np.random.default_rng(0), np.zeros(COUNT, int)
    assert_same(vector.reset(seed=3), singles.reset(seed=3))
    for _ in range(steps):
        actions = rng.uniform(vector.action_space.low, vector.action_space.high)
        found = vector.step(actions)
        assert_same(found, singles.step(actions))
        ends += found[2] | found[3]
    assert ends.min() >= 2
    assert_same(vector.reset(), singles.reset())


def test_one_sub_environment_is_like_any_other():
    alone, _ = pair("esmaml/Walker2dForwardBackward-v0", 1, horizon=10, variant="promp")
    many, _ = pair("esmaml/Walker2dForwardBackward-v0", 3, horizon=10, variant="promp")
    starts = alone.reset(seed=5)[0], many.reset(seed=5)[0]
    assert np.array_equal(starts[0], starts[1][:1])
    for actions in np.random.default_rng(0).uniform(-1, 1, (25, 3, 6)):
        for one, other in zip(alone.step(actions[:1])[:4], many.step(actions)[:4], strict=True):
            assert np.array_equal(one, other[:1])


def test_some_can_be_reset_while_others_go_on():
    for env in pair("esmaml/Walker2dForwardBackward-v0", horizon=50, variant="promp"):
        env.reset(seed=1)
        for _ in range(3):
            env.step(np.full((COUNT, 6), 0.1))
        mask = np.array([True, False, False, True, False])
        observations, _ = env.reset(seed=1, options={"reset_mask": mask})
        again, _ = env.reset(seed=1)
        assert np.array_equal(observations[mask], again[mask])
        assert not np.any(observations[~mask] == again[~mask])
    vector, singles = pair("esmaml/Walker2dForwardBackward-v0", horizon=50, variant="promp")
    for env in (vector, singles):
        env.reset(seed=1)
        env.step(np.full((COUNT, 6), 0.1))
        env.reset(options={"reset_mask": np.array([False, True, False, False, True])})
    for actions in np.random.default_rng(1).uniform(-1, 1, (60, COUNT, 6)):
        assert_same(vector.step(actions), singles.step(actions))


def test_a_reset_can_bring_other_tasks():
    vector, singles = pair("esmaml/FourCorners-v0", horizon=9)
    rng = np.random.default_rng(2)
    for env in (vector, singles):
        env.reset(seed=1)
    for options in ({"task": 2}, {"task": 0, "reset_mask": np.array([False, True, False, False, True])}, {}):
        assert_same(vector.reset(options=options), singles.reset(options=options))
        for actions in rng.uniform(-1, 1, (12, COUNT, 2)):
            assert_same(vector.step(actions), singles.step(actions))
    assert vector.unwrapped.tasks == [2, 0, 2, 2, 0]
    vector.reset(options={"task": [3, 2, 1, 0, 3]})
    assert vector.unwrapped.tasks == [3, 2, 1, 0, 3]
    for wrong, said in (([1, 2], "5, one for each"), (4, "has tasks 0 to 3")):
        with pytest.raises(ConfigError, match=said):
            vector.reset(options={"task": wrong})


def test_what_is_returned_is_the_callers():
    vector, _ = pair("esmaml/FourCorners-v0", horizon=5)
    first, _ = vector.reset()
    first += 7.0
    second = vector.step(np.zeros((COUNT, 2)))[0]
    kept = second.copy()
    vector.step(np.full((COUNT, 2), 0.1))
    assert np.array_equal(second, kept) and not second.any()


def test_tasks_and_limits():
    make = gymnasium.make_vec
    assert make("esmaml/FourCorners-v0", num_envs=6).unwrapped.tasks == [0, 1, 2, 3, 0, 1]
    assert make("esmaml/Navigation2D-v0", num_envs=3).unwrapped.tasks == [0, 1, 2]
    assert make("esmaml/FourCorners-v0", num_envs=2, tasks=[3, 1]).unwrapped.tasks == [3, 1]
    assert make("esmaml/FourCorners-v0", num_envs=2, task=3).unwrapped.tasks == [3, 3]
    vector = make("esmaml/FourCorners-v0", num_envs=2, max_episode_steps=4)
    assert vector.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    vector.reset()
    truncated = [vector.step(np.zeros((2, 2)))[3].tolist() for _ in range(9)]
    assert [i for i, both in enumerate(truncated) if all(both)] == [3, 8] and not any(truncated[4])


def test_mistakes_are_named():
    with pytest.raises(ConfigError, match=r"tasks = \[1\]: one for each of 2"):
        gymnasium.make_vec("esmaml/FourCorners-v0", num_envs=2, tasks=[1])
    with pytest.raises(ConfigError, match="one of them is wanted"):
        gymnasium.make_vec("esmaml/FourCorners-v0", num_envs=1, tasks=[1], task=1)
    vector = gymnasium.make_vec("esmaml/FourCorners-v0", num_envs=2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        vector.step(np.zeros((2, 2)))
    with pytest.raises(gymnasium.error.ResetNeeded):
        vector.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(ValueError, match="3 seeds: one for each of 2"):
        vector.reset(seed=[1, 2, 3])
    with pytest.raises(ValueError, match="reset_mask of type bool and shape"):
        vector.reset(options={"reset_mask": np.array([True])})


def test_pictures_are_those_of_the_single_environments():
    pytest.importorskip("matplotlib")
    vector, singles = pair("esmaml/FourCorners-v0", 3, render_mode="rgb_array", width=60, height=50, start_range=1.0)
    for env in (vector, singles):
        env.reset(seed=2)
        env.step(np.full((3, 2), 0.1))
    found, expected = vector.render(), singles.render()
    assert [picture.shape for picture in found] == [(50, 60, 3)] * 3
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    assert not np.array_equal(found[0], found[1])


def test_nothing_is_stepped_that_nobody_looks_at():
    id, options = "esmaml/Walker2dForwardBackward-v0", dict(horizon=30, variant="promp")
    single = gymnasium.make(id, **options).unwrapped
    single.reset(seed=0)
    single.step(np.zeros(6))
    assert single._episodes.simulation.running.tolist() == [True, False]
    vector, _ = pair(id, 3, **options)
    vector.reset(seed=0)
    vector.reset(options={"reset_mask": np.array([False, True, False])})
    running = [episodes.simulation.running.tolist() for _, episodes in vector.unwrapped._cohorts]
    assert running == [[True, False, True], [True, False]]

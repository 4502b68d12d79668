"""Any Gymnasium environment as a family: the episodes of a plain loop, the same bits in any batch, plain errors."""

import sys
from types import ModuleType

import gymnasium
import numpy as np
import own_environments as own
import pytest
from helpers import drive, task_table
from own_environments import WALK, Walk, family_of

from esmaml_mpi.errors import ConfigError, FamilyError
from esmaml_mpi.tasks.gymnasium_bridge.spaces import actions_of
from esmaml_mpi.tasks.workspace import Workspace


def plain(env, seed, actions, options=None):
    """Return, length and observations of one episode in a loop as anyone would write it."""
    observation, _ = env.reset(seed=seed, options=options)
    total, seen = 0.0, [observation]
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        total, seen = total + reward, [*seen, observation]
        if terminated or truncated:
            break
    return total, len(seen) - 1, np.array(seen)


def test_pendulum_episodes_are_those_of_a_plain_loop():
    family, rng = family_of("Pendulum-v1", None), np.random.default_rng(0)
    assert (family.horizon, family.observation_size, family.action_size, family.task_count) == (200, 3, 1, 1)
    outputs, seeds = rng.uniform(-1.3, 1.3, (200, 1, 3)), np.array([[5.0, 6.0, 7.0]])
    returns, lengths, observations = drive(family, task_table(family, 1).repeat(3, axis=1), outputs, seeds)
    for b in range(3):
        torques = (2.0 * np.clip(outputs[:, :, b], -1.0, 1.0)).astype(np.float32)
        total, length, seen = plain(gymnasium.make("Pendulum-v1"), 5 + b, torques)
        assert returns[b] == pytest.approx(total, rel=1e-12) and lengths[b] == length == 200
        assert np.array_equal(observations[:, :, b], seen)


def test_cart_pole_takes_the_larger_output_and_ends_when_it_falls():
    family, rng = family_of("CartPole-v1", None), np.random.default_rng(1)
    outputs, seeds = rng.uniform(-1.0, 1.0, (500, 2, 6)), np.arange(6.0)[None]
    noise = [plain(gymnasium.make("CartPole-v1"), b, outputs[:, :, b].argmax(axis=1))[:2] for b in range(6)]
    returns, lengths, _ = drive(family, task_table(family, 1).repeat(6, axis=1), outputs, seeds)
    assert [(returns[b], lengths[b]) for b in range(6)] == noise
    assert len(set(lengths)) > 2 and max(lengths) < 500


@pytest.mark.parametrize(
    "vary_as, name, make",
    [
        ("constructor", "gain", lambda value: (Walk(gain=value), None)),
        ("attribute", "gain", lambda value: (Walk(gain=value), None)),
        ("attribute", "body.drift", lambda value: (drifting(value), None)),
        ("reset", "push", lambda value: (Walk(), {"push": value})),
    ],
)
def test_a_task_is_a_constructor_argument_an_attribute_or_a_reset_option(vary_as, name, make):
    family = family_of(vary_as=vary_as, vary={name: [0.5, 2.0, 3.0]})
    assert family.task_count == 3
    tasks, rng = task_table(family, 3)[:, [2, 0, 1, 0]], np.random.default_rng(2)
    outputs = rng.uniform(-1.0, 1.0, (20, 1, 4))
    returns, _, _ = drive(family, tasks, outputs, np.arange(4.0)[None])
    for b, value in enumerate((3.0, 0.5, 2.0, 0.5)):
        env, options = make(value)
        actions = -1.0 + (outputs[:, :, b] + 1.0) * 1.5
        assert returns[b] == pytest.approx(plain(env, b, actions, options)[0], rel=1e-12)


def drifting(value):
    env = Walk()
    env.body.drift = value
    return env


def test_ranges_are_drawn_per_task_and_numbers_are_the_tasks():
    family = family_of(vary={"gain": {"low": 1, "high": 3}, "edge": "number"})
    table = task_table(family, 400)
    assert family.task_count is None and np.array_equal(table[0], np.arange(400))
    assert 1.0 <= table[1].min() < 1.05 and 2.95 < table[1].max() <= 3.0
    assert family.variation.values(table[:, 7]) == {"gain": table[1, 7], "edge": 7}
    # Tables have no order, so what is drawn must not depend on it.
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    draws = [family_of(vary={k: {"low": 0, "high": v} for k, v in o.items()}, vary_as="reset") for o in (one, other)]
    assert np.array_equal(task_table(draws[0], 3), task_table(draws[1], 3))


def test_where_an_array_is_a_list_becomes_one():
    family = family_of(vary={"body.offset": [[1, 2], [3, 4]]}, vary_as="attribute")
    _, _, observations = drive(family, task_table(family, 2), np.zeros((1, 1, 2)), np.zeros((1, 2)))
    assert np.array_equal(observations[0, :, 1] - observations[0, :, 0], [2.0, 2.0])


def test_spaces_of_several_parts_are_flattened_and_chosen_from():
    family = family_of("own_environments:Parts")
    assert (family.observation_size, family.action_size) == (5, 5)
    outputs = np.array([0.0, 1.0, 0.2, -1.0, 0.3])[None, :, None].repeat(2, axis=2)
    returns, _, observations = drive(family, task_table(family, 1).repeat(2, axis=1), outputs, np.zeros((1, 2)))
    assert np.array_equal(observations[0, :, 0], [0.0, 1.0, 0.0, 0.25, -0.5])
    assert returns[0] == 4 + 10 * 2


@pytest.mark.parametrize(
    "low, high, dtype, outputs, scaled, unscaled",
    [
        (-2.0, 4.0, np.float64, [-3.0, -1.0, 0.0, 0.5, 1.0], [-2.0, -2.0, 1.0, 2.5, 4.0], [-2.0, -1.0, 0.0, 0.5, 1.0]),
        (-np.inf, np.inf, np.float64, [-7.0, 0.0, 1e20], [-7.0, 0.0, 1e20], [-7.0, 0.0, 1e20]),
        (0.0, np.inf, np.float64, [-1.0, 3.0], [0.0, 3.0], [0.0, 3.0]),
        (-3e38, 3e38, np.float32, [-2.0, 0.5], [-2.0, 0.5], [-2.0, 0.5]),
        (0, 10, np.int64, [-1.0, 0.04, 0.5], [0, 5, 8], [0, 0, 0]),
    ],
)
def test_outputs_are_scaled_to_bounds_where_there_are_any(low, high, dtype, outputs, scaled, unscaled):
    space = gymnasium.spaces.Box(low, high, (1,), dtype)
    for scale, wanted in ((True, scaled), (False, unscaled)):
        actions = actions_of(space, scale)(np.array([outputs]))
        assert actions.dtype == dtype and actions.shape == (len(outputs), 1) and actions[:, 0].tolist() == wanted


def test_bits_are_set_by_positive_outputs():
    actions = actions_of(gymnasium.spaces.MultiBinary(2), True)(np.array([[0.1, -1.0], [0.0, 2.0]]))
    assert actions.tolist() == [[1, 0], [0, 1]] and actions.dtype == np.int8


def test_bounds_may_differ_between_tasks():
    family = family_of(vary={"action_high": [1.0, 3.0]}, horizon=1)
    returns, _, observations = drive(family, task_table(family, 2), np.ones((1, 1, 2)), np.zeros((1, 2)))
    assert np.allclose(observations[1, 0] - observations[0, 0], [1.0, 3.0])
    assert np.allclose(returns, -(observations[1, 0] ** 2))


def test_environments_in_the_style_of_gym():
    family = family_of("own_environments:Old", arguments={"limit": 5})
    assert (family.observation_size, family.action_size) == (1, 2)
    outputs = np.stack([np.zeros((20, 3)), np.linspace(-1, 1, 60).reshape(20, 3)], axis=1)
    returns, lengths, observations = drive(
        family, task_table(family, 1).repeat(3, axis=1), outputs, np.arange(3.0)[None]
    )
    for b in range(3):
        env, total = own.Old(5), 0.0
        env.seed(b)
        assert observations[0, 0, b] == env.reset()[0]
        for t in range(5):
            total += env.step(int(outputs[t, 1, b] > 0))[1]
        assert returns[b] == pytest.approx(total) and lengths[b] == 5


def test_the_step_limit_is_the_default_horizon_and_no_more():
    assert family_of("CartPole-v1", None).horizon == 500
    assert family_of("own_environments:limited", None).horizon == 11
    assert family_of("own_environments:Walk-v3", None).horizon == 25
    assert family_of("Pendulum-v1", None, arguments={"max_episode_steps": 7}).horizon == 7
    family = family_of("Pendulum-v1", 230)
    _, lengths, _ = drive(family, task_table(family, 1), np.zeros((230, 1, 1)), np.zeros((1, 1)))
    assert lengths.tolist() == [230]
    with pytest.raises(ConfigError, match=r"task\.horizon is wanted: .*'own_environments:Walk' has no step limit"):
        family_of(WALK, None)


def test_a_fixed_seed_makes_all_episodes_start_alike():
    family = family_of(fixed_seed=9)
    assert family.noise_size == 0
    _, _, observations = drive(family, task_table(family, 1).repeat(3, axis=1), np.zeros((1, 1, 3)))
    assert len(set(observations[0, 0])) == 1 and observations[0, 0, 0] == plain(Walk(), 9, [])[2][0, 0]


def test_an_environment_draws_itself_if_it_was_made_to():
    for arguments in ({"render_mode": "rgb_array"}, {}):
        family = family_of(arguments=arguments)
        simulation = family.simulation(task_table(family, 1).repeat(2, axis=1), np.zeros((1, 2)), Workspace())
        simulation.reset(np.empty((2, 2)))
        simulation.running[0] = False
        simulation.step(np.zeros((1, 2)), np.empty((2, 2)))
        if arguments:
            assert [simulation.frame(b).max() for b in (0, 1)] == [0, 1] and simulation.frame(0).shape == (4, 6, 3)
        else:
            with pytest.raises(FamilyError, match="render_mode"):
                simulation.frame(0)


def test_an_environment_may_bring_an_older_mujoco_than_our_own_families_take(monkeypatch):
    import esmaml_mpi.tasks.locomotion as locomotion

    monkeypatch.setitem(sys.modules, "mujoco", ModuleType("mujoco"))  # it has no mujoco.batch
    for name in [each for each in sys.modules if each.startswith("mujoco.")]:  # of tests before this one
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "esmaml_mpi.tasks.locomotion.models", raising=False)
    monkeypatch.delattr(locomotion, "models", raising=False)
    assert family_of(arguments={"edge": 123.0}).observation_size == 2

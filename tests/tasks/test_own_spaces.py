"""What differs between tasks as arrays, integers and elements; observations and actions of several parts; masks."""

import batched_environments as own
import numpy as np
import pytest
from gymnasium import spaces
from helpers import drive, task_table

from esmaml_mpi.errors import FamilyError, UserError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import RolloutError, simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.gymnasium_bridge.attributes import set_attribute
from esmaml_mpi.tasks.gymnasium_bridge.spaces import actions_of, observations_of
from esmaml_mpi.tasks.rehearsal import rehearse
from esmaml_mpi.tasks.workspace import Workspace


def family_of(environment, horizon=20, **options):
    return make_family("gymnasium", horizon, {"environment": f"batched_environments:{environment}", **options})


def tasks_of(vary, vary_as="attribute", environment="Plane", count=50):
    """The values of tasks 0 .. count - 1, name -> list."""
    family = family_of(environment, vary=vary, vary_as=vary_as)
    table = task_table(family, count)
    return [family.blueprint.variation.values(table[:, i]) for i in range(count)]


def test_a_range_is_drawn_for_every_element_of_an_array():
    """Case ``Plane``."""
    goals = np.array([task["goal"] for task in tasks_of({"goal": {"low": -1.0, "high": 1.0}})])
    assert goals.shape == (50, 2) and (abs(goals) <= 1.0).all() and len(np.unique(goals)) == 100
    expected = [np.random.default_rng([0, i]).uniform(-1.0, 1.0, 2) for i in range(50)]
    assert np.array_equal(goals, expected)
    rehearse(family_of("Plane", vary={"goal": {"low": -1.0, "high": 1.0}}, vary_as="attribute"))
    family = family_of("Plane", vary={"goal": {"low": -1.0, "high": 1.0}}, vary_as="attribute", fixed_seed=5)
    returns, _, observations = drive(family, task_table(family, 2), np.zeros((3, 1, 2)))
    for b in range(2):
        assert returns[b] == pytest.approx(-3 * np.abs(observations[0, 0, b] - expected[b]).sum())


def test_listed_values_of_another_shape_are_refused_with_both():
    """Case ``Plane``, listed."""
    with pytest.raises(FamilyError, match=r"vary\.goal: .*it has shape \(2,\), and -1\.0 has shape \(\)\."):
        family_of("Plane", vary={"goal": [-1.0, 1.0]}, vary_as="attribute")
    family = family_of("Plane", vary={"goal": [[-1.0, 1.0], [0.5, 0.5]]}, vary_as="attribute")
    rehearse(family)


def test_vectors_integers_and_elements():
    ranges = {
        "goal": {"low": [0.0, 5.0], "high": [1.0, 5.0]},
        "gears": {"low": -1, "high": 1, "integer": True},
        "list[1]": {"low": 2, "high": 3},
        "edge": {"low": 4, "high": 6, "integer": True},
    }
    tasks = tasks_of(ranges)
    goals, gears = (np.array([task[name] for task in tasks]) for name in ("goal", "gears"))
    assert (goals[:, 1] == 5.0).all() and len(np.unique(goals[:, 0])) == 50
    assert gears.shape == (50, 3) and gears.dtype == np.int64 and set(gears.ravel()) == {-1, 0, 1}
    assert {task["edge"] for task in tasks} == {4, 5, 6} and all(type(task["edge"]) is int for task in tasks)
    assert all(2 <= task["list[1]"] <= 3 and type(task["list[1]"]) is float for task in tasks)
    rehearse(family_of("Plane", vary=ranges, vary_as="attribute"))
    for vary_as in ("constructor", "reset"):
        goals = [task["goal"] for task in tasks_of({"goal": {"low": [0, 1], "high": 2}}, vary_as, "Reach", 3)]
        assert all(goal.shape == (2,) and (goal >= [0, 1]).all() and (goal <= 2).all() for goal in goals)


def test_one_number_is_drawn_as_ever():
    tasks = tasks_of({"goal": {"low": -1, "high": 3}, "edge": {"low": 0.0, "high": 0.5}}, "constructor", "Reach", 3)
    for i, task in enumerate(tasks):
        generator = np.random.default_rng([0, i])
        assert task == {"edge": generator.uniform(0.0, 0.5), "goal": generator.uniform(-1, 3)}
        assert type(task["goal"]) is float


def test_elements_are_set_and_nothing_else():
    class Core:
        shared = np.arange(6.0).reshape(2, 3)

    one, other = Core(), Core()
    one.rows, one.parts = [[1.0, 2.0], [3.0]], [Core(), Core()]
    set_attribute(one, "shared[1, 2]", 9.0)
    set_attribute(one, "shared[0][0:2]", np.array([7.0, 8.0]))
    set_attribute(one, "rows[0][1]", 5.0)
    set_attribute(one, "parts[1].shared[-1]", [1, 1, 1])
    assert one.shared.tolist() == [[7, 8, 2], [3, 4, 9]] and other.shared.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert one.rows == [[1.0, 5.0], [3.0]]
    assert one.parts[1].shared.tolist() == [[0, 1, 2], [1, 1, 1]] and one.parts[0].shared is Core.shared


@pytest.mark.parametrize(
    "vary, message",
    [
        ({"gears": {"low": 0.0, "high": 0.5}}, None),
        ({"gears": [[1, 2, 3.5]]}, r"array of type int64, and \[1, 2, 3\.5\] does not fit into it"),
        ({"goal[2]": [1.0]}, r"vary\.goal\[2\]: .*IndexError"),
        ({"goal[0:2]": [1.0]}, r"it has shape \(2,\), and 1\.0 has shape \(\)"),
        ({"goal[a]": [1.0]}, r"\[a\] is no index: integers and slices"),
        ({"goal]": [1.0]}, "names with dots between them, and indices"),
        ({"edge": {"low": [0.0, 1.0], "high": 2.0}}, r"it has shape \(\), and \[0\.0, 1\.0\] has shape \(2,\)"),
        ({"list": {"low": [0.0] * 3, "high": 2.0}}, r"it has shape \(2,\), and .* has shape \(3,\)"),
        ({"goal": {"low": [0.0], "high": [1.0, 2.0]}}, r"low has shape \(1,\) and high \(2,\)"),
        ({"goal": {"low": [[0.0], 1.0], "high": 1.0}}, "finite numbers low <= high"),
        ({"goal": {"low": [0.0, 2.0], "high": [1.0, 1.0]}}, "finite numbers low <= high"),
        ({"goal": {"low": 0.5, "high": 2, "integer": True}}, r"integer = true, so integers below 2\*\*53"),
        ({"goal": {"low": 0, "high": 2, "integer": 1}}, "integer = 1: true or false is wanted"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(vary, message):
    if message is None:  # the lower ends fit: it is said when a task does not
        family = family_of("Plane", vary=vary, vary_as="attribute")
        message = r"type int64, and .* does not fit into it \(a range of integers has integer = true\)"
        with pytest.raises(FamilyError, match=message):
            rehearse(family)
        return
    with pytest.raises(UserError, match=message) as caught:
        family_of("Plane", vary=vary, vary_as="attribute")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="elements of attributes can be named, of constructor arguments not"):
        family_of("Reach", vary={"goal[0]": [1.0]})


def test_parts_of_observations_and_actions():
    family = family_of("Nested")
    assert (family.observation_size, family.action_size) == (5, 4)
    env = own.Nested()
    outputs = np.random.default_rng(1).uniform(-1.0, 1.0, (20, 4, 3))
    returns, _, observations = drive(family, np.zeros((1, 3)), outputs, np.arange(3.0)[None])
    for b in range(3):
        seen, total = env.reset(seed=b)[0], 0.0
        for t in range(20):
            # Gymnasium's own flatten says which output is which.
            assert np.array_equal(observations[t, :, b], spaces.flatten(env.observation_space, seen))
            gears, gear_or_brake, push = outputs[t, :2, b], outputs[t, 2, b], outputs[t, 3, b]
            action = {
                "gears": (np.int64(3 + np.argmax(gears)), np.array([gear_or_brake > 0], np.int8)),
                "push": np.array([-2.0 + (push + 1.0) * 3.0]),
            }
            flat = spaces.flatten(env.action_space, action)
            assert flat[:2].tolist() == [gears[0] >= gears[1], gears[0] < gears[1]]
            seen, reward, *_ = env.step(action)
            total += reward
        assert returns[b] == pytest.approx(total)


def test_goal_environments():
    family = family_of("Goal", vary={"goal": [0.5, -0.5]})
    _, _, observations = drive(family, task_table(family, 2), np.zeros((1, 1, 2)), np.zeros((1, 2)))
    env = own.Goal(-0.5)
    assert np.array_equal(observations[0, :, 1], spaces.flatten(env.observation_space, env.reset(seed=0)[0]))


MIXED = spaces.Dict(
    {
        "b": spaces.MultiDiscrete([[2, 3], [4, 2]], start=[[1, 0], [0, 2]]),
        "a": spaces.Tuple([spaces.Box(-1, 1, (2, 2), np.float32), spaces.MultiBinary([2, 2]), spaces.Discrete(3)]),
    }
)


def test_observations_are_flattened_as_gymnasium_does_one_or_many():
    MIXED.seed(0)
    converter, samples = observations_of(MIXED), [MIXED.sample() for _ in range(5)]
    wanted = np.stack([spaces.flatten(MIXED, each) for each in samples], axis=1)
    together = {
        "b": np.stack([each["b"] for each in samples]),
        "a": tuple(np.stack([each["a"][i] for each in samples]) for i in range(3)),
    }
    found, one = np.full(wanted.shape, np.nan), np.full(len(wanted), np.nan)
    converter.write_batch(together, found)
    assert np.array_equal(found, wanted)
    converter.write(samples[2], one)
    assert np.array_equal(one, wanted[:, 2])
    text = spaces.Tuple([spaces.Text(4, charset="abc"), spaces.Discrete(2)])
    converter, out = observations_of(text), np.empty((6, 2))
    converter.write_batch((("ab", "c"), np.array([1, 0])), out)
    assert np.array_equal(out[:, 0], spaces.flatten(text, ("ab", 1)))


def test_masked_choices_are_not_taken_and_none_left_is_a_failure_in_words():
    family = family_of("Masked")
    outputs = np.random.default_rng(0).uniform(-1, 1, (20, 3, 4))
    drive(family, np.zeros((1, 4)), outputs, np.zeros((1, 4)))  # the environment asserts that they are obeyed
    family, policy = family_of("Masked", arguments={"none_at": 4}), Policy(2, 3, ())
    rehearse(family)
    theta, observer = np.zeros((policy.size, 2)), Observer(np.zeros(2), np.ones(2))
    with pytest.raises(RolloutError, match="gymnasium raised action_mask allows none of 3 choices, and the episode is"):
        simulate(policy, family, theta, np.zeros((1, 2)), np.zeros((1, 2)), observer, Workspace())


@pytest.mark.parametrize(
    "space, mask, allowed",
    [
        (spaces.MultiDiscrete([2, 3]), (np.array([1, 0]), np.array([0, 0, 1])), [1, 0, 0, 0, 1]),
        (spaces.MultiDiscrete([2, 3]), np.array([1, 0, 0, 0, 1]), [1, 0, 0, 0, 1]),
        (spaces.Dict(a=spaces.Discrete(2), b=spaces.Box(0, 1, (1,))), {"a": np.array([0, 1])}, [0, 1, 1]),
        (spaces.Tuple([spaces.Discrete(2), spaces.Discrete(2)]), (None, np.array([0, 1])), [1, 1, 0, 1]),
    ],
)
def test_masks_of_several_choices(space, mask, allowed):
    assert actions_of(space, True).allowed(mask).tolist() == allowed


@pytest.mark.parametrize(
    "space, mask", [(spaces.Discrete(3), np.ones(2)), (spaces.Discrete(3), "all"), (spaces.Box(0, 1, (2,)), np.ones(2))]
)
def test_what_is_no_mask_is_refused(space, mask):
    with pytest.raises(ValueError, match="action_mask"):
        actions_of(space, True).allowed(mask)


def test_an_old_render_is_told_how():
    simulation = family_of("OldDrawing").simulation(np.zeros((1, 2)), np.zeros((1, 2)), Workspace())
    simulation.reset(np.empty((2, 2)))
    assert simulation.frame(1).shape == (4, 6, 3)

"""Vector environments and families made of arrays: the episodes of a plain loop, in any batch, and plain refusals."""

import dataclasses
import sys

import batched_environments as own
import gymnasium
import numpy as np
import pytest
from helpers import task_table

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import FamilyError, UserError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import FAMILIES, make_family
from esmaml_mpi.tasks.rehearsal import rehearse
from esmaml_mpi.tasks.workspace import Workspace

GOALS = [-1.0, 0.25, 2.0]
EDGE = 0.7  # some episodes go beyond it, at different times


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(FAMILIES, "reach", "batched_environments:ReachFamily")


def family_of(environment, horizon=20, **options):
    return make_family("gymnasium", horizon, {"environment": f"batched_environments:{environment}", **options})


def policies(size=13):
    """Linear policies, most of which run away, with a task and a seed for each."""
    rng = np.random.default_rng(3)
    theta = rng.normal(0.0, 1.0, (3, size))
    return theta, rng.integers(3, size=size), rng.integers(1000, size=(1, size)).astype(float)


def plain(theta, goal, seed, edge=EDGE, horizon=20):
    """Return, length and observations (length, 2) acted upon, of one episode in a loop as anyone would write it."""
    env = own.Reach(goal, edge)
    seen, _ = env.reset(seed=int(seed))
    total, observations = 0.0, []
    for _ in range(horizon):
        observations.append(seen)
        output = np.tanh(seen[0] * theta[0] + seen[1] * theta[1] + theta[2])
        seen, reward, over, _, _ = env.step([np.clip(output, -1.0, 1.0)])
        total += reward
        if over:
            break
    return total, len(observations), np.array(observations)


def run(family, theta, tasks, noise, columns=slice(None), workspace=None):
    policy, observer = Policy(2, 1, ()), Observer(np.zeros(2), np.ones(2))
    noise = None if noise is None else noise[:, columns]
    return simulate(
        policy, family, theta[:, columns], tasks[:, columns], noise, observer, workspace or Workspace(), record=True
    )


WAYS = {
    "several": ("several", "attribute", {}),
    "next_step": ("many", "attribute", {"mode": "NextStep"}),
    "same_step": ("many", "constructor", {"mode": "SameStep"}),
    "disabled": ("many", "reset", {"mode": "Disabled"}),
    "array": ("Reaches", "attribute", {}),
    "array_options": ("Reaches", "reset", {}),
    "array_constructor": ("Reaches", "constructor", {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_lanes_are_the_episodes_of_a_plain_loop_in_any_batch(way):
    environment, vary_as, arguments = WAYS[way]
    edge = {} if way == "several" else {"edge": EDGE}
    family = family_of(environment, vary={"goal": GOALS}, vary_as=vary_as, arguments={**arguments, **edge})
    theta, numbers, seeds = policies()
    tasks, workspace = task_table(family, 3)[:, numbers], Workspace()
    whole = run(family, theta, tasks, seeds, workspace=workspace)
    for b in range(13):
        total, length, seen = plain(theta[:, b], GOALS[numbers[b]], seeds[0, b], **edge or {"edge": 1e9})
        assert whole.lengths[b] == length and whole.returns[b] == pytest.approx(total, rel=1e-12)
        np.testing.assert_allclose(whole.observations[:length, :, b], seen, rtol=1e-12, atol=1e-300)
    assert way == "several" or (len(set(whole.lengths)) > 3 and whole.lengths.max() == 20)
    for columns in (slice(0, 1), slice(1, 3), slice(3, 12), np.random.default_rng(0).permutation(13)):
        part = run(family, theta, tasks, seeds, columns, workspace)
        assert np.array_equal(part.returns, whole.returns[columns])
        assert np.array_equal(part.observation_sums, whole.observation_sums[:, columns])


def test_a_family_made_of_arrays_is_the_same_episodes_and_narrows():
    family = make_family("reach", 20, {"edge": EDGE})
    theta, numbers, seeds = policies()
    tasks = np.array(GOALS)[None, numbers]
    noise = np.array([[own.Reach().reset(seed=int(each))[0][0] for each in seeds[0]]])
    advanced = []

    @dataclasses.dataclass(frozen=True)
    class Counting(own.ReachFamily):
        def advance(self, state, actions):
            advanced.append(actions.shape[1])
            return super().advance(state, actions)

    whole = run(Counting(20, EDGE), theta, tasks, noise)
    for b in range(13):
        total, length, _ = plain(theta[:, b], GOALS[numbers[b]], seeds[0, b])
        assert whole.lengths[b] == length and whole.returns[b] == pytest.approx(total, rel=1e-12)
    assert advanced[0] == 13 and 2 <= min(advanced) <= 6
    for columns in (slice(0, 1), slice(1, 3), slice(3, 12)):
        assert np.array_equal(run(family, theta, tasks, noise, columns).returns, whole.returns[columns])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"begin": lambda self, tasks, noise: [1.0]}, r"begin\(\) gave \[1.0\]; a table of arrays"),
        (
            {"begin": lambda self, tasks, noise: {"x": np.zeros(9)}},
            r"begin\(\) gave x of shape \(9,\); \(..., epi",
        ),
        ({"advance": lambda self, state, actions: None}, r"advance\(\) gave None; a pair \(rewards, over\)"),
        ({"advance": lambda self, state, actions: (0.0, None)}, r"rewards of shape \(\) .*real numbers is wanted"),
        ({"advance": lambda self, state, actions: (state.x, state.x)}, r"ends of shape .*true or false is wanted"),
        ({"observe": lambda self, state: state.x}, r"observe\(\) gave observations of shape \(3,\); .* = \(2, 3\)"),
        ({"observe": lambda self, state: [state.x]}, r"observe\(\) gave .* = \(2, 3\) is wanted"),
        ({"observe": lambda self, state: [state.x, np.zeros(5)]}, r"observe\(\) gave .* = \(2, 3\) is wanted"),
        ({"action_low": (1.0, 2.0)}, r"action_low = \(1.0, 2.0\); one number, or action_size = 1 of them"),
    ],
)
def test_what_a_family_made_of_arrays_gives_wrongly_is_one_line(changes, message):
    wrong = dataclasses.dataclass(frozen=True)(type("Wrong", (own.ReachFamily,), changes))
    with pytest.raises(FamilyError, match=message) as caught:
        rehearse(wrong(20))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "family, alike",
    [
        (lambda: make_family("reach", 20, {}), True),
        (lambda: family_of("Reaches"), True),
        (lambda: family_of("Reaches", arguments={"leaks": True}), False),
        (lambda: family_of("OneGenerator", fixed_seed=3), False),
        (lambda: Ranked(20), False),
    ],
)
def test_whether_episodes_depend_on_those_beside_them_is_tried(family, alike):
    rehearsal = rehearse(family())
    assert rehearsal.repeated and rehearsal.beside_others == alike


@dataclasses.dataclass(frozen=True)
class Ranked(own.ReachFamily):
    """Rewards are places among the others."""

    def advance(self, state, actions):
        rewards, over = super().advance(state, actions)
        return np.argsort(np.argsort(rewards)).astype(float), over


def test_a_batch_whose_episodes_depend_on_one_another_is_said_before_a_run(capsys):
    options = {"environment": "batched_environments:Reaches", "arguments": {"leaks": True}}
    load({"task": {"name": "gymnasium", "horizon": 9, "options": options}}).resolved()
    assert "an episode came out otherwise beside others than alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    "environment, options, message",
    [
        (
            "OneGenerator",
            {},
            r"reset\(seed=\[0, 1, ..\]\) of the vector .* OneGenerator raised .*fixed_seed = 0",
        ),
        ("Reaches", {"vary": {"edge": [1.0, 2.0]}, "vary_as": "attribute"}, r"edge: it has shape \(\) in the vector"),
        ("Reaches", {"vary": {"goal": [[1.0, 2.0]]}, "vary_as": "attribute"}, r"goal: .*shape \(3,\), .*\(3, 2\)"),
    ],
)
def test_what_a_vector_environment_cannot_do_is_one_line(environment, options, message):
    with pytest.raises(UserError, match=message) as caught:
        family_of(environment, **options).simulation(np.zeros((1, 2)), np.zeros((1, 2)), Workspace())
    assert "\n" not in str(caught.value)


def test_a_step_limit_of_its_own_is_said_as_that_of_a_single_one_is():
    family = family_of("limited", horizon=None)
    assert family.horizon == 8 and family.model_warnings == [] and family_of("limited", horizon=8).model_warnings == []
    limited = family_of("limited")
    (said,) = limited.model_warnings
    assert "ends its episodes after 8 steps by a limit of its own, and task.horizon = 20" in said
    theta, tasks, noise = policies()
    tasks = tasks[None].astype(float)
    assert run(limited, theta, tasks, noise).lengths.tolist() == [8] * 13 and limited.remarks == []


def test_that_an_episode_was_truncated_is_said_once_it_has_been():
    theta, tasks, noise = policies()
    tasks, hidden = tasks[None].astype(float), family_of("Truncates")
    run(hidden, theta[:, :1], tasks[:, :1], noise[:, :1])  # the lane that goes on
    assert hidden.remarks == []
    run(hidden, theta, tasks, noise)
    ((_, said),) = hidden.remarks
    assert "truncated an episode itself, after 8 steps, and task.horizon = 20" in said
    exact = family_of("Truncates", horizon=8)
    run(exact, theta, tasks, noise)
    assert exact.remarks == []


def test_masks_of_lanes_are_obeyed():
    family = family_of("masked_lanes")
    single = family_of("Masked")
    noise = np.arange(5.0)[None]
    outputs = np.random.default_rng(0).uniform(-1, 1, (20, 3, 5))
    results = []
    for each in (family, single):
        simulation, observations = each.simulation(np.zeros((1, 5)), noise, Workspace()), np.empty((21, 2, 5))
        simulation.reset(observations[0])
        for t in range(20):
            simulation.step(outputs[t].copy(), observations[t + 1])
        results.append((observations, simulation.rewards(observations, None)[0].copy()))
    assert all(np.array_equal(one, other) for one, other in zip(*results, strict=True))


def test_a_vector_environment_trains_as_the_single_one_does():
    """Case ``several``: what is one environment's is another's, where two are stepped together."""
    small = {
        "task": {"name": "gymnasium", "horizon": 20, "options": {"vary_as": "attribute", "vary": {"goal": GOALS}}},
        "policy": {"hidden": []},
        "meta": {"iterations": 2, "perturbations": 4, "current_evaluations": 2},
        "adaptation": {"queries": 4},
        "test": {"repeats": 1},
    }
    values = [
        esmaml_mpi.train(small, [f"task.options.environment=batched_environments:{name}"]).history["train"]["values"]
        for name in ("Reach", "several", "Reaches")
    ]
    assert np.array_equal(values[0], values[1]) and np.array_equal(values[0], values[2])
    assert gymnasium.vector.VectorEnv in own.Reaches.__mro__


def test_envpool_is_wanted_by_its_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(FamilyError, match=r'EnvPool cannot be imported: .*pip install "esmaml-mpi\[envpool\]"'):
        make_family("gymnasium", 5, {"environment": "envpool:Pendulum-v1"})


def test_envpools_episodes_are_the_same_at_any_split():
    pytest.importorskip("envpool")
    family = make_family("gymnasium", 15, {"environment": "envpool:Pendulum-v1"})
    seeds, outputs = np.array([[5.0, 9.0, 7.0, 5.0]]), np.random.default_rng(0).uniform(-1, 1, (15, 1, 4))
    found = []
    for columns in (slice(None), slice(0, 2), slice(2, 4), slice(None)):
        part = seeds[:, columns]
        observations = np.empty((16, 3, part.shape[1]))
        simulation = family.simulation(np.zeros((1, part.shape[1])), part, Workspace())
        simulation.reset(observations[0])
        for t in range(15):
            simulation.step(outputs[t, :, columns].copy(), observations[t + 1])
        found.append(observations)
    assert np.array_equal(found[0], np.concatenate(found[1:3], axis=2)) and np.array_equal(found[0], found[3])
    assert np.array_equal(found[0][0, :, 0], found[0][0, :, 3]) and not np.array_equal(*found[0][0, :, :2].T)
    with pytest.raises(UserError, match=r"EnvPool has no environment 'Pendulm-v1'\. Did you mean envpool:Pendulum-v1"):
        make_family("gymnasium", 5, {"environment": "envpool:Pendulm-v1"})


def test_observations_are_clipped_as_those_of_single_environments():
    theta, numbers, seeds = policies()
    found = {}
    for name in ("Reach", "Reaches", "many"):
        family = family_of(name, vary={"goal": GOALS}, vary_as="attribute", clip_observations=0.3)
        found[name] = run(family, theta, task_table(family, 3)[:, numbers], seeds)
        assert np.abs(found[name].observations).max() == 0.3
    assert np.array_equal(found["many"].returns, found["Reach"].returns)
    np.testing.assert_allclose(found["Reaches"].returns, found["Reach"].returns, rtol=1e-12)

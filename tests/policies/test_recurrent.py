"""Recurrent policies: their formulas, the same bits in any batch, and what they remember where batches are narrowed."""

import numpy as np
import pytest
from helpers import task_table
from recurrent_policies import ByTheBook, Denies, Forgetful, Misshapen, PlainRecurrent, WithState

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.native import door
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies import POLICIES
from esmaml_mpi.policies.lifelong import Lifelong
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.policies.rehearsal import check_memory
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

RECURRENT = ["gru", "elman"]
RNG = np.random.default_rng(3)
STEPS, BATCH = 7, 9


def made(name, hidden, n=3, m=2):
    """A policy, parameters (d, B), observations (steps, n, B), mean and std."""
    policy = POLICIES.find(name)(n, m, hidden)
    arrays = RNG.normal(0, 0.6, (policy.size, BATCH)), RNG.normal(size=(STEPS, n, BATCH)) * 2
    return policy, *arrays, RNG.normal(size=n), RNG.uniform(0.5, 2.0, n)


def acted(policy, theta, observations, mean, std):
    bound = policy.bind(theta, mean, std)
    return np.array([bound.act(each).copy() for each in observations])


@pytest.mark.parametrize("hidden", [(5,), (4, 6)], ids=str)
@pytest.mark.parametrize("name", RECURRENT)
def test_they_follow_the_formulas_with_the_same_bits_anywhere(name, hidden):
    policy, theta, observations, mean, std = made(name, hidden)
    found = acted(policy, theta, observations, mean, std)
    for b in range(BATCH):
        plain = PlainRecurrent(name, theta[:, b], 3, hidden, 2, mean, std)
        np.testing.assert_allclose(found[:, :, b], [plain(each[:, b]) for each in observations], rtol=0, atol=1e-13)
    for native in door.names():
        with door.using(native):
            assert np.array_equal(acted(policy, theta, observations, mean, std), found), native
    for columns in ([0, 1], [8, 3, 5], [2, 2]):
        part = acted(policy, theta[:, columns], np.ascontiguousarray(observations[:, :, columns]), mean, std)
        assert np.array_equal(part, found[:, :, columns])


@pytest.mark.parametrize("name", RECURRENT)
def test_they_start_where_states_neither_die_out_nor_explode(name):
    policy = POLICIES.find(name)(30, 2, (40, 5))
    theta = policy.initial(np.random.default_rng(0), output_gain=0.0)
    *cell, head = policy.split(theta)
    for plain, numbers in zip(policy.cell, cell, strict=True):
        (inputs, outputs), biases = plain.layers[0], numbers[-plain.action_size :]
        assert abs(numbers[: inputs * outputs].std() * np.sqrt(70) - 1) < 0.05
        assert set(biases) == ({1.0, 0.0} if name == "gru" and outputs == 80 else {0.0})
    assert np.array_equal(head[-12:], np.zeros(12)) and head[:200].std() > 0.1  # 12: the last layer, times 0
    if name == "gru":
        assert np.array_equal(cell[0][-80:], np.repeat([1.0, 0.0], 40))  # z begins with keeping


def test_a_width_is_wanted():
    with pytest.raises(
        ConfigError, match=r"policy.hidden = \[\]: policy.architecture = 'gru' has the width of its cell"
    ):
        POLICIES.find("gru")(2, 2, ())
    with pytest.raises(ConfigError, match=r"'gruu' does not exist\. Did you mean 'gru'"):
        POLICIES.find("gruu")


def episodes(family, policy, count=40):
    """What simulate needs of ``count`` episodes."""
    generator = np.random.default_rng(5)
    tasks = task_table(family, family.task_count or 8)[:, generator.integers(family.task_count or 8, size=count)]
    n = family.observation_size
    observer = Observer(generator.normal(0, 0.1, n), generator.uniform(0.5, 2, n))
    return generator.normal(0, 0.8, (policy.size, count)), tasks, family.draw_noise(generator, count), observer


def one_by_one(family, policy, theta, tasks, noise, observer):
    """Return of an episode, steps and rewards one at a time, in a batch of its own twice."""
    tasks, noise, theta = (np.repeat(each[:, None], 2, axis=1) for each in (tasks, noise, theta))
    seen = np.zeros((family.horizon + 1, family.observation_size, 2))
    simulation, bound = family.simulation(tasks, noise, Workspace()), policy.bind(theta, observer.mean, observer.std)
    simulation.reset(seen[0])
    for t in range(family.horizon):
        simulation.step(np.array(bound.act(seen[t])), seen[t + 1])
        rewards, over = simulation.rewards(seen[: t + 2], tasks)
        if over[-1, 0]:
            break
    return rewards[:, 0].sum(), t + 1


POLICY_CLASSES = {name: POLICIES.find(name) for name in ("gru", "elman", "timed")}
POLICY_CLASSES |= {"book": ByTheBook, "state": WithState}


@pytest.mark.parametrize(
    ("kind", "name"),
    [*((kind, "cartpole_sensor_bias") for kind in POLICY_CLASSES), ("gru", "t_maze"), ("elman", "t_maze")],
)
def test_each_episode_is_its_own_where_others_end_early(kind, name):
    family = make_family(name, 60 if name == "t_maze" else 120, {"length": 4} if name == "t_maze" else {})
    policy = POLICY_CLASSES[kind](family.observation_size, family.action_size, (4,))
    theta, tasks, noise, observer = episodes(family, policy)
    whole = simulate(policy, family, theta, tasks, noise, observer, Workspace())
    for b in range(40):
        reward, length = one_by_one(family, policy, theta[:, b], tasks[:, b], noise[:, b], observer)
        assert whole.returns[b] == reward and whole.lengths[b] == length
        columns = slice(b, b + 1)
        alone = simulate(policy, family, theta[:, columns], tasks[:, columns], noise[:, columns], observer, Workspace())
        assert alone.returns[0] == reward and np.array_equal(alone.observation_sums, whole.observation_sums[:, columns])
    assert len(set(whole.lengths)) > 4


def test_batches_are_narrowed_where_that_is_safe(monkeypatch):
    family, bind, widths = make_family("cartpole_sensor_bias", 120), ByTheBook.bind, []
    monkeypatch.setattr(ByTheBook, "bind", lambda self, p, *a: widths.append(p.shape[1]) or bind(self, p, *a))
    simulate(ByTheBook(4, 1), family, *episodes(family, ByTheBook(4, 1)), Workspace())
    assert widths == [40]
    widths.clear()
    simulate(WithState(4, 1), family, *episodes(family, WithState(4, 1)), Workspace())
    assert len(widths) > 2 and widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (Denies, "state_size = 0, but in step 1 three of 5 columns.* it remembers, or counts its calls"),
        (Forgetful, "state_size = 3, but in step 1 .* its state is not all that it remembers"),
        (Misshapen, r"has state of shape \(3, 5\); \(state_size, batch\) = \(2, 5\) is wanted"),
        (type("Negative", (ByTheBook,), {"state_size": -1}), "state_size = -1; the number of what it remembers"),
    ],
)
def test_what_it_says_of_its_memory_is_tried(cls, words):
    with pytest.raises(ConfigError, match=words):
        check_memory(cls(3, 2), "mine")


@pytest.mark.parametrize("policy", [Policy(3, 2, (4,)), WithState(3, 2), ByTheBook(3, 2), POLICIES.find("gru")(3, 2)])
def test_what_is_right_passes(policy):
    check_memory(policy, "mine")


def test_a_lifelong_policy_remembers_all_that_it_was_shown():
    check_memory(Lifelong(POLICIES.find("gru")(Lifelong.inputs(3, 2), 2, (4,)), 3, 2), "gru")

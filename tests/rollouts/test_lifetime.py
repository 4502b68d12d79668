"""Policies that see their rewards: an episode after the other, against a plain loop of plain numbers."""

import itertools

import numpy as np
import pytest
from helpers import task_table, unscaled
from recurrent_policies import PlainRecurrent

import esmaml_mpi
from esmaml_mpi.adaptation.recurrent import Recurrent
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.policies import POLICIES
from esmaml_mpi.policies.lifelong import Lifelong
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.rollouts.trials import RolloutSetup
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

HIDDEN, SCALE = (5, 3), 0.5
FAMILIES = {
    "t_maze": (9, {"length": 2}),  # ends known at every step
    "navigation_2d": (12, {"end_distance": 0.6}),  # ends looked for in the path
    "cartpole_sensor_bias": (80, {}),
    "four_corners": (6, {"variant": "promp", "reward": "distance"}),
}


def plain_lifetime(family, theta, task, noises, scale=SCALE):
    """Returns of episodes, one step of one agent at a time."""
    n, m = family.observation_size, family.action_size
    plain = PlainRecurrent("gru", theta, n + m + 2, HIDDEN, m)
    action, reward, over, returns = [0.0] * m, 0.0, 0.0, []
    for noise in noises:
        tasks, noise = (
            np.repeat(task[:, None], 2, axis=1),
            None if noise is None else np.repeat(noise[:, None], 2, axis=1),
        )
        seen = np.zeros((family.horizon + 1, n, 2))
        simulation = family.simulation(tasks, noise, Workspace())
        simulation.reset(seen[0])
        total = 0.0
        for t in range(family.horizon):
            action = plain([*seen[t, :, 0], *action, reward * scale, over])
            simulation.step(np.repeat(np.array(action)[:, None], 2, axis=1), seen[t + 1])
            rewards, ended = simulation.rewards(seen[: t + 2], tasks)
            reward = float(rewards[-1, 0])
            total += reward
            over = float(t + 1 == family.horizon or (ended is not None and ended[-1, 0]))
            if over:
                break
        returns.append(total)
    return returns


def made(name):
    horizon, options = FAMILIES[name]
    family = make_family(name, horizon, options)
    n, m = family.observation_size, family.action_size
    return family, Lifelong(POLICIES.find("gru")(Lifelong.inputs(n, m), m, HIDDEN), n, m, SCALE)


@pytest.mark.parametrize("name", FAMILIES)
def test_lifetimes_are_those_of_a_plain_loop_in_any_batch(name):
    family, policy = made(name)
    generator, count = np.random.default_rng(4), 11
    theta = generator.normal(0, 0.7, (policy.size, count))
    tasks = task_table(family, 2)[:, generator.integers(2, size=count)]
    noises = [family.draw_noise(generator, count) if family.noise_size else None for _ in range(3)]

    def lived(columns):
        rows, returns = theta[:, columns], []
        for noise in noises:
            given = None if noise is None else noise[:, columns]
            found = simulate(
                policy, family, rows, tasks[:, columns], given, unscaled(family.observation_size), Workspace()
            )
            rows = np.concatenate([theta[:, columns], found.memory])
            returns.append(found.returns)
        return np.array(returns), rows

    whole, rows = lived(list(range(count)))
    for b in range(count):
        plain = plain_lifetime(
            family, theta[:, b], tasks[:, b], [None if each is None else each[:, b] for each in noises]
        )
        np.testing.assert_allclose(whole[:, b], plain, rtol=1e-9, atol=1e-12)
    for a, b in itertools.pairwise([0, 1, 3, 11]):
        part, remembered = lived(list(range(a, b)))
        assert np.array_equal(part, whole[:, a:b]) and np.array_equal(remembered, rows[:, a:b])
    assert (rows[-1] == 1.0).all()  # an episode ended with the last step of each


def test_the_operator_carries_what_is_remembered_to_the_scored_episode():
    family, policy = made("t_maze")
    setup = RolloutSetup(policy, family, task_table(family, 2), Streams(3))
    operator, at = Recurrent(episodes=2, reward_scale=SCALE), Round(Phase.TRAIN, 0)
    theta = np.random.default_rng(1).normal(0, 0.7, (policy.size, 6))
    units = Units(at, np.tile([0, 1], (6, 1)), np.arange(6))
    found = Evaluator(setup, operator).evaluate(theta, units, unscaled(2), before=True)
    for u, t in np.ndindex(6, 2):
        purposes = [(Purpose.QUERY_EPISODE, 0), (Purpose.QUERY_EPISODE, 1), (Purpose.AFTER_EPISODE, 0)]
        cues = [
            family.draw_noise(setup.streams.generator(purpose, at, unit=u, task=t, step=step), 1)[:, 0]
            for purpose, step in purposes
        ]
        plain = plain_lifetime(family, theta[:, u], setup.task_table[:, t], cues)
        assert found.after[u, t] == plain[-1]
        first = family.draw_noise(setup.streams.generator(Purpose.BEFORE_EPISODE, at, unit=u, task=t, step=0), 1)[:, 0]
        assert found.before[u, t] == plain_lifetime(family, theta[:, u], setup.task_table[:, t], [first])[0]
    assert (found.tally.rollouts == 2 * (1 + 2 + 1)).all() and operator.rollouts == 2
    halves = [
        Evaluator(setup, operator).evaluate(theta[:, part], units[part], unscaled(2))
        for part in (slice(0, 1), slice(1, 6))
    ]
    assert np.array_equal(np.concatenate([half.after for half in halves]), found.after)


LIVED = {
    "task": {"name": "t_maze", "options": {"length": 2}},
    "policy": {"architecture": "gru", "hidden": [4]},
    "adaptation": {"operator": "recurrent", "episodes": 2},
    "meta": {"iterations": 2, "perturbations": 6, "current_evaluations": 2},
    "test": {"every": 1, "repeats": 2},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "policy.architecture=mlp",
            "'mlp': it remembers nothing, and adaptation.operator = 'recurrent' adapts by what",
        ),
        ("task.rollouts=2", "task.rollouts = 2: adaptation.operator = 'recurrent' has one episode after the other"),
        ("task.corruption.noise_std=1.0", "shows its policy the reward of each step as it is"),
        (
            "adaptation.share_rollouts=true",
            "adaptation.share_rollouts = True: adaptation.operator = 'recurrent' perturbs no",
        ),
        ("meta.algorithm=first_order", "adaptation.operator = 'recurrent'"),
    ],
)
def test_what_does_not_go_with_it_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        esmaml_mpi.load_config(LIVED, [change]).resolved()


def test_its_settings_survive_as_toml():
    config = esmaml_mpi.load_config(LIVED, ["adaptation.reward_scale=0.25"]).resolved()
    assert esmaml_mpi.Config.from_toml(config.to_toml(comments=True)) == config
    assert config.rollouts_per_adaptation == 2 and config.adaptation.reward_scale == 0.25


@pytest.mark.slow
def test_a_trained_one_acts_and_is_told_its_rewards():
    results = esmaml_mpi.train(LIVED)
    meta = esmaml_mpi.MetaPolicy(results)
    actor, family = meta.bind(meta.theta), make_family("t_maze", None, {"length": 2})
    _, _, mean, std = results.parameters()
    plain = PlainRecurrent("gru", meta.theta, 6, (4,), 2, [*mean, 0, 0, 0, 0], [*std, 1, 1, 1, 1])
    given = np.random.default_rng(0).normal(size=(3, 2))
    action, reward, over = [0.0, 0.0], 0.0, 0.0
    for turn, observation in enumerate(given):
        action = plain([*observation, *action, reward, over])
        np.testing.assert_allclose(actor.act(observation), action, rtol=1e-12)
        with pytest.raises(UsageError, match="tell\\(reward, over\\) is wanted between two calls"):
            actor.act(observation)
        reward, over = 0.25 * turn, float(turn == 1)
        actor.tell(reward, bool(over))
    actor.reset()
    assert not actor.state.any() and len(actor.state) == 4 + 2 + 2 and family.noise_size == 1
    with pytest.raises(UsageError, match="its policy adapts while it acts"):
        meta.adaptation()
    with pytest.raises(UsageError, match="policies have 94 parameters, and theta of this run has 142"):
        esmaml_mpi.MetaPolicy(results, overrides=["adaptation.operator=es_gradient"])

"""The T-maze against a plain loop, and what it asks of a policy."""

import numpy as np
import pytest
from helpers import drive, task_table, unscaled

from esmaml_mpi.policies import POLICIES
from esmaml_mpi.rendering.words import task_in_words
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

RNG = np.random.default_rng(2)


def plain_episode(rule, cue, actions, length, cue_steps):
    """Observations, return and steps of one agent."""
    along, arm, seen = 0.0, 0.0, [(cue, 0.0)]
    for step, (speed, side) in enumerate(actions, start=1):
        if along == length:
            arm = side
        else:
            along = min(float(length), along + (0.5 + 0.5 * max(-1.0, min(1.0, speed))))
        seen.append((cue if step < cue_steps else 0.0, float(along == length)))
        if arm:
            return seen, float(arm * cue * rule > 0), step
    return seen, 0.0, len(actions)


@pytest.mark.parametrize("options", [{"length": 3}, {"length": 5, "cue_steps": 4, "variant": "memory"}])
def test_episodes_are_those_of_a_plain_loop(options):
    family, batch = make_family("t_maze", 18, options), 60
    tasks = task_table(family, family.task_count)[:, RNG.integers(family.task_count, size=batch)]
    cues, actions = family.draw_noise(RNG, batch), RNG.normal(0.5, 1.0, (18, 2, batch))
    returns, lengths, observations = drive(family, tasks, actions, cues)
    for b in range(batch):
        seen, reward, steps = plain_episode(
            tasks[0, b], cues[0, b], actions[:, :, b].tolist(), family.length, family.cue_steps
        )
        assert (returns[b], lengths[b]) == (reward, steps)
        assert np.array_equal(observations[: steps + 1, :, b], seen)
    assert set(returns) == {0.0, 1.0} and len(set(lengths)) > 4 and set(cues[0]) == {-1.0, 1.0}
    assert family.task_count == len(set(tasks[0])) and family.default_horizon == 2 * family.length + 5


def test_half_is_all_that_a_policy_without_memory_gets():
    family, policy = make_family("t_maze", 25, {}), POLICIES.find("mlp")(2, 2, (8,))
    theta = np.repeat(RNG.normal(0, 2.0, (policy.size, 200)), 2, axis=1)  # each with both cues
    tasks, cues = np.ones((1, 400)), np.tile([[1.0, -1.0]], 200)
    found = simulate(policy, family, theta, tasks, cues, unscaled(2), Workspace())
    both = found.returns.reshape(200, 2).sum(axis=1)
    assert both.max() == 1.0 and (both == 1.0).mean() > 0.2


def test_a_number_that_is_none_fails_its_episode():
    family = make_family("t_maze", 4, {})
    returns, _, _ = drive(family, np.ones((1, 2)), np.full((4, 2, 2), [[np.nan, 1.0], [0.0, 0.0]]), np.ones((1, 2)))
    assert np.isnan(returns[0]) and returns[1] == 0.0


def test_it_is_seen_and_said():
    family = make_family("t_maze", 12, {"length": 3})
    tasks = task_table(family, 2)
    assert [task_in_words(family, task) for task in tasks.T] == [
        "the arm that the cue names pays",
        "the arm that the cue does not name pays",
    ]
    simulation, seen = family.simulation(tasks, np.ones((1, 2)), Workspace()), np.zeros((2, 2))
    simulation.reset(seen)
    first = simulation.frame(0)
    for _ in range(4):
        simulation.step(np.ones((2, 2)), seen)
    last, other = simulation.frame(0), simulation.frame(1)
    assert first.shape == last.shape and first.dtype == np.uint8 and not simulation.running.any()
    assert (first != last).any() and (last != other).any()  # the agent has moved; the arm that pays is another

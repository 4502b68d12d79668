"""Shared rollouts: one simulated query priced for every task is what simulating it on each task gives."""

import dataclasses

import numpy as np
import pytest
from helpers import operator, rollout_setup, same, unscaled

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks import FAMILIES, family_class
from esmaml_mpi.tasks.workspace import Workspace

AT = Round(Phase.TRAIN, 2)
RNG = np.random.default_rng(5)
# family, hidden, options, horizon, known tasks, tasks of a unit; with ends, with noise, and those without either
CASES = {
    "corners": ("four_corners", (), {}, 30, 4, 4),
    "corners, noisy start": ("four_corners", (4,), dict(variant="promp"), 20, 4, 3),
    "navigation ends per task": ("navigation_2d", (), dict(end_distance=0.5), 25, 8, 5),
    "circles": ("six_circles", (), dict(goals=4, subset=2), 20, 6, 4),
    "sinusoid": ("sinusoid", (8,), {}, 12, 8, 5),
    "walker": ("walker2d_forward_backward", (), dict(variant="promp"), 40, 2, 2),
    "ant goals": ("ant_goal_position", (), {}, 10, 6, 4),
}


def shared_laboratory(case, share=True):
    name, hidden, options, horizon, known, tasks = CASES[case]
    setup = rollout_setup(name, hidden, horizon, options, known)
    chosen = np.array([RNG.permutation(known)[:tasks] for _ in range(4)])
    return dataclasses.replace(setup, share_rollouts=share), Units(AT, chosen, np.arange(10, 14))


@pytest.mark.parametrize("case", CASES)
def test_a_priced_rollout_is_the_rollout_on_each_task(case):
    setup, units = shared_laboratory(case)
    rows, tasks = units.tasks.shape
    queries = RNG.normal(0.0, 0.3, (setup.policy.size, rows, 1, 5))
    observer = unscaled(setup.policy.observation_size)
    trials = Trials(setup, units, observer, Workspace(), Purpose.QUERY_EPISODE)
    values = trials.evaluate(np.repeat(queries, tasks, axis=2))
    assert values.shape == (rows, tasks, 5) and trials.tally.rollouts.tolist() == [5] * rows
    longest = np.zeros((rows, 5), dtype=int)
    for t in range(tasks):
        # This task alone, with the noise that the shared rollouts had.
        alone = Trials(
            setup, Units(AT, units.tasks[:, t : t + 1], units.streams), observer, Workspace(), trials.purpose
        )
        alone._noise = lambda repeats, shared, of=alone: _shared_noise(of, setup, repeats)
        result = alone.run(queries)
        assert same(values[:, t], result.returns.reshape(rows, 5))
        longest = np.maximum(longest, result.lengths.reshape(rows, 5))
    assert trials.tally.steps.tolist() == longest.sum(axis=1).tolist()


def _shared_noise(trials, setup, repeats):
    return Trials._noise(dataclasses.replace(trials), repeats, True) if setup.family.noise_size else None


@pytest.mark.parametrize("case", ["corners, noisy start", "navigation ends per task", "walker"])
def test_sharing_depends_neither_on_threads_nor_on_grouping(case):
    setup, units = shared_laboratory(case)
    points, subject = RNG.normal(0.0, 0.4, (setup.policy.size, 4)), operator(queries=4, steps=2)
    observer = unscaled(setup.policy.observation_size)
    whole = Evaluator(setup, subject).evaluate(points, units, observer, True)
    threads = Evaluator(setup, subject, 2).evaluate(points, units, observer, True)
    alone = [
        Evaluator(setup, subject).evaluate(points[:, u : u + 1], units[u : u + 1], observer, True) for u in range(4)
    ]
    assert same(whole.after, threads.after) and same(whole.before, threads.before)
    assert same(whole.after, np.concatenate([one.after for one in alone]))
    assert same(whole.tally.observation_sums, np.concatenate([one.tally.observation_sums for one in alone], axis=1))
    tasks, at_once = units.tasks.shape[1], subject.queries_at_once
    # The first step's queries once for all tasks; the second's, and the scores before and after, for each.
    assert whole.tally.rollouts.tolist() == [at_once + tasks * (at_once + 2)] * 4


def test_directions_are_common_until_the_first_evaluation_only():
    """After it the tasks of a unit may stand at different points: hill climbing evaluates its pivot before it draws."""
    setup, units = shared_laboratory("corners")
    trials = Trials(setup, units, unscaled(2), Workspace(), Purpose.QUERY_EPISODE)
    first, again = trials.normals(3), trials.normals(3)
    for drawn in (first, again):
        assert same(drawn, np.repeat(drawn[:, :, :1], 4, axis=2)) and not same(drawn[:, 0], drawn[:, 1])
    assert not same(first, again)
    trials.evaluate(first)
    assert len(np.unique(trials.normals(3)[0, 0, :, 0])) == 4


def test_each_tasks_gradient_keeps_its_mean():
    """Over many units: the adaptation of each task, shared or not, is drawn from the same distribution."""
    count, steps = 3000, {}
    for share in (False, True):
        setup = dataclasses.replace(rollout_setup("four_corners", (), 40, {}, 4), share_rollouts=share)
        units = Units(AT, np.tile(np.arange(4), (count, 1)), np.arange(count) + (0 if share else 10_000))
        theta = np.zeros((setup.policy.size, count))
        theta[4:] = 0.5  # heads for the first corner
        adapted, tally = Evaluator(setup, operator(queries=6)).adapt(theta, units, unscaled(2))
        steps[share] = adapted - theta[:, :, None]
        assert tally.rollouts.sum() == count * 7 * (1 if share else 4)
    means = {share: step.mean(axis=1) for share, step in steps.items()}
    errors = {share: step.std(axis=1) / np.sqrt(count) for share, step in steps.items()}
    z = (means[True] - means[False]) / np.hypot(errors[True], errors[False])
    assert np.abs(means[False][4:, 0]).min() > 10 * errors[False][4:, 0].max()  # there is a gradient to be kept
    assert np.abs(z).max() < 4.0


def test_families_whose_tasks_differ_in_more_are_refused():
    shareable = {name for name in FAMILIES if getattr(family_class(name), "tasks_share_dynamics", False)}
    assert {"four_corners", "half_cheetah_goal_velocity", "ant_goal_position"} <= shareable
    assert not shareable & {"walker2d_random_parameters", "cartpole_sensor_bias"}
    for name in ("walker2d_random_parameters", "cartpole_sensor_bias"):
        with pytest.raises(ConfigError, match=f"adaptation.share_rollouts = true: tasks of {name} differ in more"):
            load({"task": {"name": name}, "adaptation": {"share_rollouts": True}}).resolved()


def test_a_run_with_sharing_costs_fewer_steps():
    small = {
        "task": {"name": "four_corners", "horizon": 20},
        "policy": {"hidden": []},
        "adaptation": {"queries": 9},
        "meta": {"iterations": 2, "perturbations": 6, "current_evaluations": 2},
    }
    steps = {}
    for share in (False, True):
        found = esmaml_mpi.train({**small, "adaptation": {"queries": 9, "share_rollouts": share}})
        steps[share] = found.history["train"]["env_steps"][-1]
    assert steps[False] / steps[True] == pytest.approx((4 * 11) / (10 + 4))

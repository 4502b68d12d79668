"""Adapting and scoring units: independent of threads and grouping, and honest about units that fail."""

import dataclasses
import itertools

import numpy as np
import pytest
from helpers import Flaky, operator, rollout_setup, same, task_table, unscaled

from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.reproducibility.exact_sums import LARGEST
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.simulate import block_size, simulate
from esmaml_mpi.rollouts.units import Status, Units
from esmaml_mpi.tasks.workspace import Workspace

AT = Round(Phase.TRAIN, 3)
RNG = np.random.default_rng(71)


def everything(outcome):
    """All numbers of an outcome, a row per unit."""
    rows = [outcome.after, outcome.tally.status[:, None], outcome.tally.observation_sums.T]
    rows += [outcome.tally.rollouts[:, None], outcome.tally.steps[:, None]]
    return np.concatenate(rows if outcome.before is None else [outcome.before, *rows], axis=1)


# family, hidden layers, options, number of tasks, tasks of a unit
CASES = {
    "corners": ("four_corners", (), dict(variant="promp"), 4, 4),
    "navigation, wide": ("navigation_2d", (32,), {}, 8, 3),
    "circles": ("six_circles", (8,), dict(goals=4, subset=2), 6, 1),
    "sinusoid": ("sinusoid", (8,), {}, 8, 5),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("estimator", ["forward_fd", "antithetic"])
def test_results_depend_neither_on_threads_nor_on_grouping(case, before, estimator):
    name, hidden, options, known, tasks = CASES[case]
    setup = rollout_setup(name, hidden, 15, options, known)
    units = Units(AT, np.array([RNG.permutation(known)[:tasks] for _ in range(7)]), np.arange(100, 107))
    points, subject = RNG.normal(0.0, 0.4, (setup.policy.size, 7)), operator(queries=4, steps=2, estimator=estimator)
    observer = unscaled(setup.policy.observation_size)
    whole = everything(Evaluator(setup, subject).evaluate(points, units, observer, before))
    for threads in (2, 3):
        assert same(everything(Evaluator(setup, subject, threads).evaluate(points, units, observer, before)), whole)
    for threads, edges in ((1, range(8)), (2, [0, 3, 7]), (1, [0, 2, 3, 7])):
        evaluator = Evaluator(setup, subject, threads)
        parts = [evaluator.evaluate(points[:, a:b], units[a:b], observer, before) for a, b in itertools.pairwise(edges)]
        assert same(np.concatenate([everything(part) for part in parts]), whole)
    assert np.all(whole[:, -2] == tasks * (2 * subject.queries_at_once + 1 + before))  # rollouts, pivots included


def test_more_blocks_than_threads_come_back_in_order():
    setup, subject = rollout_setup("sinusoid", (), 6), operator(queries=20)
    # simulations of an adaptation: at least seven blocks
    assert 80 * 4 * 21 > 6 * block_size(setup.policy, setup.family)
    units, points = Units(AT, np.tile(np.arange(4), (80, 1)), np.arange(80)), RNG.normal(size=(2, 80))
    whole = everything(Evaluator(setup, subject).evaluate(points, units, unscaled(1)))
    assert len(np.unique(whole[:, 0])) == 80
    for threads in (2, 3):
        assert same(everything(Evaluator(setup, subject, threads).evaluate(points, units, unscaled(1))), whole)


def test_the_mean_over_twenty_tasks_is_the_same_bits_for_a_unit_alone():
    setup = rollout_setup("navigation_2d", (), 15, tasks=30)
    units = Units(AT, np.array([RNG.permutation(30)[:20] for _ in range(4)]), np.arange(4))
    points, evaluator = RNG.normal(size=(6, 4)), Evaluator(setup, operator())
    together = np.add.reduce(evaluator.evaluate(points, units, unscaled(2)).after, axis=1)
    alone = [
        np.add.reduce(evaluator.evaluate(points[:, i : i + 1], units[i : i + 1], unscaled(2)).after, axis=1)
        for i in range(4)
    ]
    assert np.array_equal(np.concatenate(alone), together)


def test_scores_are_rollouts_of_the_adapted_policies_on_fresh_noise():
    setup = rollout_setup("sinusoid", (4,), 12)
    units = Units(AT, np.array([[2, 0, 3]]), np.array([5]))
    evaluator, theta = Evaluator(setup, operator()), RNG.normal(size=(setup.policy.size, 1))
    adapted, _ = evaluator.adapt(theta, units, unscaled(1))
    outcome = evaluator.evaluate(theta, units, unscaled(1), before=True)
    for values, parameters, purpose in (
        (outcome.before, np.repeat(theta, 3, axis=1), Purpose.BEFORE_EPISODE),
        (outcome.after, adapted[:, 0], Purpose.AFTER_EPISODE),
    ):
        noise = [
            setup.family.draw_noise(setup.streams.generator(purpose, AT, unit=5, task=task), 1) for task in (2, 0, 3)
        ]
        tasks = setup.task_table[:, [2, 0, 3]]
        result = simulate(
            setup.policy, setup.family, parameters, tasks, np.concatenate(noise, axis=1), unscaled(1), Workspace()
        )
        assert np.array_equal(values[0], result.returns)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_twins_with_one_stream_differ_only_by_their_parameters(estimator):
    setup = rollout_setup("sinusoid", (), 12)
    twins = Units(AT, np.array([[1, 2], [1, 2]]), np.array([6, 6]))
    others = Units(AT, np.array([[1, 2], [1, 2]]), np.array([6, 7]))
    theta, evaluator = (
        np.repeat(RNG.normal(size=(setup.policy.size, 1)), 2, axis=1),
        Evaluator(setup, operator(estimator=estimator)),
    )
    same_stream = evaluator.evaluate(theta, twins, unscaled(1)).after
    assert np.array_equal(same_stream[0], same_stream[1])
    streams_apart = evaluator.evaluate(theta, others, unscaled(1)).after
    assert not np.any(streams_apart[0] == streams_apart[1])


def test_several_episodes_are_averaged():
    setup = dataclasses.replace(rollout_setup("sinusoid", (), 12), episodes=3)
    units = Units(AT, np.array([[1, 2]]), np.array([6]))
    values, tally = Evaluator(setup, operator()).score(
        np.zeros((setup.policy.size, 1, 2)), units, unscaled(1), Purpose.AFTER_EPISODE
    )
    for column, task in enumerate((1, 2)):
        noise = setup.family.draw_noise(setup.streams.generator(Purpose.AFTER_EPISODE, AT, unit=6, task=task), 3)
        amplitude, phase = setup.task_table[:, task]
        assert values[0, column] == pytest.approx(-np.mean((amplitude * np.sin(noise - phase)) ** 2), rel=1e-12)
    assert tally.rollouts[0] == 6 and tally.steps[0] == 72


def flaky_laboratory(failure, rate):
    family = Flaky(horizon=10, failure=failure, failure_rate=rate)
    return dataclasses.replace(rollout_setup(horizon=10), family=family, task_table=task_table(family, 4))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("failure, status", [("raise", Status.RAISED), ("not_finite", Status.NOT_FINITE)])
def test_a_failing_unit_is_marked_and_the_others_are_untouched(threads, failure, status):
    units = Units(AT, np.tile(np.arange(4), (12, 1)), np.arange(12))
    points, observer = RNG.normal(size=(6, 12)), unscaled(2)
    setup = flaky_laboratory(failure, 0.01)
    evaluator = Evaluator(setup, operator(), threads)
    found = evaluator.evaluate(points, units, observer, before=True)
    healthy = Evaluator(flaky_laboratory(failure, 0.0), operator()).evaluate(points, units, observer, before=True)
    failed = found.tally.status != Status.OK
    assert 1 < failed.sum() < 11 and np.all(found.tally.status[failed] == status)
    assert np.all(healthy.tally.status == Status.OK)
    assert same(everything(found)[~failed], everything(healthy)[~failed])
    (cause,) = evaluator.causes.take()
    assert cause.count == failed.sum()
    if failure == "raise":
        assert np.isnan(found.after[failed]).all() and np.isnan(found.before[failed]).all()
        assert np.all(found.tally.observation_sums[:, failed] == 0)
        assert "iteration 3, tasks [0, 1, 2, 3]" in cause.report
        assert cause.report.endswith("ValueError: failing on purpose") and "Traceback" in cause.report
    else:
        assert cause.words.startswith("reward = nan at step 1 of task ") and not cause.report


def test_a_unit_fails_the_same_way_whether_it_raises_or_returns_no_number():
    units = Units(AT, np.tile(np.arange(4), (12, 1)), np.arange(12))
    points = RNG.normal(size=(6, 12))
    failed = [
        Evaluator(flaky_laboratory(failure, 0.01), operator()).evaluate(points, units, unscaled(2)).tally.status
        != Status.OK
        for failure in ("raise", "not_finite")
    ]
    assert np.array_equal(*failed) and failed[0].any()


def test_observations_too_large_for_exact_sums_fail_their_unit():
    setup = rollout_setup("sinusoid", (), 5, dict(input_range=float(2 * np.sqrt(LARGEST))))
    units = Units(AT, np.array([[0], [1]]), np.arange(2))
    outcome = Evaluator(setup, operator()).evaluate(np.zeros((2, 2)), units, unscaled(1))
    assert np.all(outcome.tally.status == Status.NOT_FINITE) and np.isfinite(outcome.after).all()
    assert np.all(outcome.tally.observation_sums == 0)

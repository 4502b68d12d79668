"""task.corruption in a run: it reaches what adaptations measure, and nothing that is reported."""

import dataclasses
import itertools

import numpy as np
import pytest
from helpers import same, unscaled

import esmaml_mpi
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.rollouts.evaluator import Evaluator

SMALL = {
    "task": {"horizon": 10, "options": {"reward": "squared_distance", "start_range": 0.5}},
    "policy": {"hidden": []},
    "adaptation": {"queries": 6, "sigma": 0.3, "steps": 2},
    "meta": {"perturbations": 8, "current_evaluations": 3, "iterations": 2},
    "test": {"every": 1, "repeats": 2},
}
AT = Round(Phase.TRAIN, 1)
SIZE = 1e6  # of an outlier; no reward is nearly as large
OUTLIERS = f"task.corruption={{outlier_scale={SIZE}, relative=false, fraction="


def experiment(*overrides):
    return Experiment(load(SMALL, overrides).resolved())


class Recording:
    """An operator that keeps the rewards (U, T, Q) that another one is told."""

    def __init__(self, operator):
        self.operator, self.told = operator, []
        self.queries_at_once = operator.queries_at_once

    def adapt(self, theta, normals):
        session = self.operator.adapt(theta, normals)
        rewards = None
        while True:
            try:
                rewards = yield session.send(rewards)
            except StopIteration as end:
                return end.value
            self.told.append(rewards.copy())


def theta_of(subject, rows):
    return np.random.default_rng(4).normal(size=(subject.policy.size, rows))


def told(subject, rows=11):
    """The rewards that an experiment's operator is told in each of its steps."""
    operator, units = Recording(subject.evaluator.operator), subject.algorithm.units(AT, range(rows))
    Evaluator(subject.evaluator.setup, operator).adapt(theta_of(subject, rows), units, unscaled(2))
    return operator.told


def clean(subject):
    """Its evaluator without corruption."""
    setup = dataclasses.replace(subject.evaluator.setup, corruption=RewardCorruption())
    return Evaluator(setup, subject.evaluator.operator)


def test_queries_are_hit_and_scores_are_not():
    subject = experiment(OUTLIERS + "1.0, noise_std=3.0}")
    units, theta, observer = subject.algorithm.units(AT, range(11)), theta_of(subject, 11), unscaled(2)
    outcome = subject.evaluator.evaluate(theta, units, observer, before=True)
    adapted, _ = subject.evaluator.adapt(theta, units, observer)
    spared = clean(subject)
    undisturbed = spared.evaluate(theta, units, observer, before=True)
    assert not np.any(spared.adapt(theta, units, observer)[0] == adapted)  # it has led every adaptation astray
    assert same(outcome.before, undisturbed.before)
    assert same(outcome.after, spared.score(adapted, units, observer, Purpose.AFTER_EPISODE)[0])
    assert np.abs(outcome.after).max() < 1e4
    assert np.mean(outcome.after != undisturbed.after) > 0.5  # not all: actions are clipped
    assert np.array_equal(outcome.tally.rollouts, undisturbed.tally.rollouts)


def test_tests_of_a_run_are_corrupted_alike_and_report_true_scores():
    runs = [esmaml_mpi.train(SMALL, overrides).history for overrides in ((), (OUTLIERS + "0.5}",))]
    tests = [history["test"] for history in runs]
    assert same(tests[0]["before"][0], tests[1]["before"][0])  # the same initial policy, on the same episodes
    assert not np.any(tests[0]["after"][0] == tests[1]["after"][0])
    for history in runs:
        assert np.abs(history["train"]["values"]).max() < 1e4 and np.abs(history["test"]["after"]).max() < 1e4


def test_a_corruption_of_nothing_is_none():
    expected, found = (esmaml_mpi.train(SMALL, o).history for o in ((), ("task.corruption={fraction=0.0}",)))
    assert same(found["train"]["values"], expected["train"]["values"])


@pytest.mark.parametrize("operator", ["es_gradient", "hill_climbing", "population_search"])
def test_what_is_hit_depends_neither_on_threads_nor_on_grouping(operator):
    overrides = [f"adaptation.operator={operator}", "task.corruption={fraction=0.4, noise_std=1.0, relative=false}"]
    subject = experiment(*overrides)
    setup, theta, units = subject.evaluator.setup, theta_of(subject, 11), subject.algorithm.units(AT, range(11))

    def adapted(a, b, threads=1):
        return Evaluator(setup, subject.evaluator.operator, threads).adapt(theta[:, a:b], units[a:b], unscaled(2))[0]

    whole = adapted(0, 11)
    assert not same(whole, clean(subject).adapt(theta, units, unscaled(2))[0])
    assert same(adapted(0, 11, 2), whole) and same(adapted(0, 11, 3), whole)
    for edges in (range(12), [0, 1, 5, 11], [0, 7, 11]):
        assert same(np.concatenate([adapted(a, b) for a, b in itertools.pairwise(edges)], axis=1), whole)


def test_units_tasks_steps_and_rounds_are_hit_independently():
    subject = experiment(OUTLIERS + "0.5}")
    first, second = (np.abs(rewards) == SIZE for rewards in told(subject))
    assert 0.4 < first.mean() < 0.6  # half of six queries, beside a pivot that is spared
    patterns = np.concatenate([first, second]).reshape(88, 7).astype(int)
    counts = np.unique(patterns, axis=0, return_counts=True)[1]
    assert len(counts) == 20  # each choice of three of six has come up
    assert counts.max() < 15  # and none all the time, as it would if a part of the key was missing
    assert np.all(first == second, axis=-1).mean() < 0.2
    assert np.all(first[:, :1] == first[:, 1:], axis=-1).mean() < 0.2
    assert np.all(first[:1] == first[1:], axis=-1).mean() < 0.2


def test_antithetic_twins_are_hit_alike():
    subject = experiment("meta.estimator=antithetic", OUTLIERS + "0.5}")
    hit = np.abs(told(subject)[0]) == SIZE
    assert np.array_equal(hit[0:8:2], hit[1:8:2]) and not np.array_equal(hit[0], hit[2])


@pytest.mark.parametrize("estimator", ["forward_fd", "antithetic", "vanilla"])
def test_a_pivot_is_spared_unless_it_is_asked_for(estimator):
    choice = f"adaptation.estimator={estimator}"
    for rewards in told(experiment(choice, OUTLIERS + "1.0}")):  # standardize evaluates a pivot with every estimator
        assert np.all(np.abs(rewards[..., :6]) == SIZE) and np.all(np.abs(rewards[..., 6]) < 1e4)
    for rewards in told(experiment(choice, OUTLIERS + "1.0, corrupt_pivot=true}")):
        assert rewards.shape[-1] == 7 and np.all(np.abs(rewards) == SIZE)


@pytest.mark.parametrize("estimator", ["antithetic", "vanilla"])
def test_without_a_pivot_the_last_query_is_one_like_the_others(estimator):
    found = told(
        experiment(f"adaptation.estimator={estimator}", "adaptation.reward_normalization=none", OUTLIERS + "1.0}")
    )
    for rewards in found:
        assert rewards.shape[-1] == 6 and np.all(np.abs(rewards) == SIZE)


def test_noise_alone_is_the_same_to_the_last_bit():
    """It is drawn for all units and tasks in one go, and with outliers for each."""
    alone, beside = (told(experiment(f"task.corruption={{{more}noise_std=2.0}}")) for more in ("", "fraction=1e-12, "))
    assert same(alone[0], beside[0]) and same(alone[1], beside[1])


def test_noise_reaches_the_pivot_too():
    measured = told(experiment("task.corruption={noise_std=2.0}"))
    exact = told(experiment())
    noise = measured[0] - exact[0]
    assert np.all(noise != 0) and 1.8 < noise.std() < 2.2 and 1.5 < noise[..., 6].std() < 2.5


def test_the_pivot_of_a_gradient_step_in_a_chain_is_spared():
    links = "adaptation.links=[{operator='es_gradient', queries=6, sigma=0.3}]"
    (rewards,) = told(experiment("adaptation.operator=chain", links, OUTLIERS + "1.0}"))
    assert np.all(np.abs(rewards[..., :6]) == SIZE)
    assert np.all(np.abs(rewards[..., 6]) < 1e4)

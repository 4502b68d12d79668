"""Whole meta-iterations recomputed in plain Python: rollout by rollout, every random number from its definition."""

import numpy as np
import pytest
import reference

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.reproducibility.randomness import SETUP, Phase, Purpose, Round, Streams

HORIZON, START_RANGE, END = 6, 0.3, 0.4
CONFIG = {
    "run": {"seed": 5},
    "task": {
        "name": "navigation_2d",
        "horizon": HORIZON,
        "train_size": 6,
        "batch_size": 2,
        "test_size": 3,
        "seed": 8,
        "options": {"start_range": START_RANGE, "end_distance": END, "action_limit": 0.2},
    },
    "adaptation": {"queries": 4, "sigma": 0.3, "step_size": 0.1, "steps": 2},
    "meta": {"iterations": 2, "perturbations": 4, "current_evaluations": 2, "sigma": 0.2, "step_size": 0.05},
    "test": {"every": 1, "repeats": 2},
}


class PlainRun:
    """The same experiment, one rollout at a time."""

    def __init__(self, config, hidden):
        self.config, self.widths, self.streams = config, [2, *hidden, 2], Streams(5)
        parts, normals = [], self.streams.generator(Purpose.INITIAL_POLICY, SETUP)
        for inputs, outputs in zip(self.widths[:-1], self.widths[1:], strict=True):
            parts += [normals.standard_normal(inputs * outputs) * np.sqrt(2 / inputs), np.zeros(outputs)]
        self.theta = np.concatenate(parts)
        self.mean, self.std, self.seen = [0.0, 0.0], [1.0, 1.0], []

    def goal(self, task):
        return Streams(8).generator(Purpose.TASK, SETUP, task=task).uniform(-1, 1, 2).tolist()

    def starts(self, purpose, at, stream, task, step, episodes):
        generator = self.streams.generator(purpose, at, unit=stream, task=task, step=step)
        return generator.uniform(-START_RANGE, START_RANGE, (2, episodes)).T.tolist()

    def rollout(self, theta, goal, start):
        path = reference.walk(
            lambda s: reference.act(theta, self.widths, s, self.mean, self.std, reference.relu),
            start,
            HORIZON,
            0.2,
            1.0,
            lambda s: reference.squared(s, goal) <= END**2,
        )
        self.seen += path[:-1]
        return reference.total(path, reference.dense_squared(goal))

    def adapted_value(self, theta, at, stream, task):
        """f(U(theta, T)) of one unit on one task."""
        settings, goal = self.config.adaptation, self.goal(task)
        count = 4 // len(ESTIMATORS[settings.estimator].signs)
        directions = [
            self.streams.generator(Purpose.ADAPTATION, at, unit=stream, task=task, step=step)
            .standard_normal((len(self.theta), count))
            .T.tolist()
            for step in range(2)
        ]
        pivots = settings.estimator == "forward_fd" or settings.reward_normalization == "standardize"
        starts = iter(
            start
            for step in range(2)
            for start in self.starts(Purpose.QUERY_EPISODE, at, stream, task, step, 4 + pivots)
        )
        adapted, _ = reference.adapt(
            theta.tolist(),
            lambda x: self.rollout(x, goal, next(starts)),
            directions,
            0.3,
            0.1,
            settings.estimator,
            settings.reward_normalization,
        )
        return self.rollout(adapted, goal, self.starts(Purpose.AFTER_EPISODE, at, stream, task, 0, 1)[0])

    def unit_value(self, theta, at, stream):
        tasks = self.streams.generator(Purpose.TASK_BATCH, at, unit=stream).choice(6, 2, replace=False).tolist()
        return sum(self.adapted_value(theta, at, stream, task) for task in tasks) / 2

    def iterate(self, iteration):
        """Values of all units; then moves theta and the observation statistics."""
        at, meta = Round(Phase.TRAIN, iteration), self.config.meta
        signs = ESTIMATORS[meta.estimator].signs
        g = [
            self.streams.generator(Purpose.PERTURBATION, at, unit=i).standard_normal(len(self.theta))
            for i in range(4 // len(signs))
        ]
        values = [
            self.unit_value(self.theta + sign * 0.2 * direction, at, i * len(signs))
            for i, direction in enumerate(g)
            for sign in signs
        ]
        values += [self.unit_value(self.theta, at, 4 + i) for i in range(2)]
        queries, pivot = reference.normalized(values[:4], sum(values[4:]) / 2, meta.reward_normalization)
        weights = reference.differences(queries, pivot, meta.estimator)
        gradient = sum(w * direction for w, direction in zip(weights, g, strict=True)) / (len(g) * 0.2)
        self.theta = self.theta + 0.05 * gradient
        self.mean, self.std = np.mean(self.seen, axis=0).tolist(), np.std(self.seen, axis=0).tolist()
        return values


@pytest.mark.parametrize("hidden", [[], [3]])
@pytest.mark.parametrize(
    "inner, outer, kind",
    [
        ("forward_fd", "forward_fd", "standardize"),
        ("antithetic", "antithetic", "standardize"),
        ("vanilla", "antithetic", "ars"),
        ("antithetic", "vanilla", "none"),
    ],
)
def test_training_is_the_plain_algorithm(hidden, inner, outer, kind):
    config = load(
        CONFIG,
        [
            f"policy.hidden={hidden}",
            f"adaptation.estimator={inner}",
            f"meta.estimator={outer}",
            f"adaptation.reward_normalization={kind}",
            f"meta.reward_normalization={kind}",
        ],
    )
    results, plain = esmaml_mpi.train(config), PlainRun(config, hidden)
    history = results.history
    for iteration in range(2):
        # folding the observation normalisation rounds differently, by 1e-16; two adaptation steps then divide by a std
        np.testing.assert_allclose(history["parameters"]["value"][iteration], plain.theta, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(history["normalization"]["mean"][iteration], plain.mean, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(history["normalization"]["std"][iteration], plain.std, rtol=1e-9)
        assert history["normalization"]["count"][iteration] == len(plain.seen)
        before = len(plain.seen)
        np.testing.assert_allclose(history["train"]["values"][iteration], plain.iterate(iteration), rtol=1e-8)
        assert history["train"]["env_steps"][iteration] == len(plain.seen) - before
    np.testing.assert_allclose(history["parameters"]["value"][2], plain.theta, rtol=1e-9, atol=1e-11)
    full = int(history["train"]["rollouts"].sum()) * HORIZON
    assert len(plain.seen) < full  # some episodes did end early


def test_test_rewards_are_the_plain_ones():
    config = load(CONFIG, ["policy.hidden=[]", "meta.iterations=0"])
    results, plain = esmaml_mpi.train(config), PlainRun(config, [])
    at, test = Round(Phase.TEST, 0), results.history["test"]
    assert results.test_task_ids == [6, 7, 8] and test["after"].shape == (1, 3, 2)
    for i, task in enumerate((6, 7, 8)):
        for repeat in range(2):
            start = plain.starts(Purpose.BEFORE_EPISODE, at, repeat, task, 0, 1)[0]
            before = plain.rollout(plain.theta, plain.goal(task), start)
            after = plain.adapted_value(plain.theta, at, repeat, task)
            assert test["before"][0, i, repeat] == pytest.approx(before, rel=1e-9)
            assert test["after"][0, i, repeat] == pytest.approx(after, rel=1e-8)

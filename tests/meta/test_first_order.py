"""Algorithm 5: which rollouts there are, and what their rewards become."""

import numpy as np
import pytest
from helpers import near
from quadratic_family import QuadraticFamily

from esmaml_mpi.config.loading import load
from esmaml_mpi.meta.combining import Combining
from esmaml_mpi.meta.curvature import PROJECTIONS
from esmaml_mpi.meta.first_order import INNER, OUTER, FirstOrder
from esmaml_mpi.meta.stages import Combination, Request
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams

D, TASKS, SEED = 3, 4, 3
THETA = np.array([0.5, -1.0, 2.0])
AT = Round(Phase.TRAIN, 4)
QUADRATIC = QuadraticFamily.random(D, TASKS)
ALPHA = 0.2


def algorithm(batch_size=TASKS, adaptation=(), corruption=(), **changes):
    tables = {
        "run": {"seed": SEED},
        "task": {
            "name": "navigation_2d",
            "train_size": TASKS,
            "batch_size": batch_size,
            "corruption": dict(corruption),
        },
        "adaptation": {
            "queries": 6,
            "sigma": 0.3,
            "step_size": ALPHA,
            "reward_normalization": "none",
            **dict(adaptation),
        },
        "meta": {
            "algorithm": "first_order",
            "perturbations": 8,
            "sigma": 0.5,
            "reward_normalization": "none",
            **changes,
        },
    }
    return FirstOrder.from_config(load(tables))


def rewards_of(subject, which, centres, tasks, at, reward):
    """Rewards (T, count) of a probe of each task's centre (d, T)."""
    probe = subject.probes[which]
    evaluations = np.arange(probe.count)
    rows = []
    for slot, task in enumerate(tasks):
        many = np.repeat(centres[:, slot : slot + 1], probe.count, axis=1)
        points = probe.points(many, evaluations, at, np.full(probe.count, task))
        rows.append([reward(points[:, i], task) for i in evaluations])
    return np.array(rows)


def run(subject, at=AT, theta=THETA, reward=lambda x, task: QUADRATIC.values(x, task), lost=()):
    """The Step of an iteration whose rewards are a function of parameters and task; ``lost``: (which, slot, i)."""
    tasks = subject.batches.draw(at)
    iteration = subject.iteration(theta, at, None)
    asked, which, centres = next(iteration), INNER, np.repeat(theta[:, None], len(tasks), axis=1)
    while True:
        if isinstance(asked, Combination):
            combining = Combining(asked, *subject.directions_of(asked.number, at), len(theta), at, None)
            answer = combining.value(combining.part(asked.addends))
        elif asked.number == PROJECTIONS:
            nothing = Observer(np.zeros(2), np.ones(2))
            request = Request(at.iteration, at.attempt, asked, False, theta, nothing)
            answer, _ = subject.work(request, range(asked.units), None)
        else:
            if asked.number == OUTER:
                which, centres = OUTER, asked.payload.reshape(len(theta), len(tasks))
            values = rewards_of(subject, which, centres, tasks, at, reward)
            for each, slot, i in lost:
                if each == which:
                    values[slot, i] = np.nan
            assert (asked.units, asked.width) == (values.size, 1)
            answer = values.reshape(-1, 1)
        try:
            asked = iteration.send(answer)
        except StopIteration as done:
            return done.value


def normals(purpose, at, task, count):
    """Directions (count, d) from their definition."""
    return np.array([Streams(SEED).generator(purpose, at, unit=i, task=task).standard_normal(D) for i in range(count)])


def plain_gradient(f, theta, g, sigma, mirrored):
    if mirrored:
        return sum((f(theta + sigma * v) - f(theta - sigma * v)) * v for v in g) / (2 * sigma * len(g))
    return sum((f(theta + sigma * v) - f(theta)) * v for v in g) / (sigma * len(g))


HESSIANS = {
    "plain": lambda f, x, v, s: f(x + s * v),
    "pivot": lambda f, x, v, s: f(x + s * v) - f(x),
    "antithetic": lambda f, x, v, s: (f(x + s * v) + f(x - s * v) - 2 * f(x)) / 2,
}


@pytest.mark.parametrize("hessian", [None, *HESSIANS])
@pytest.mark.parametrize("queries", [0, 10])
def test_an_iteration_is_algorithm_5(hessian, queries):
    """Against its definition: explicit matrices, one task and direction at a time."""
    mirrored = hessian == "antithetic"
    subject = algorithm(
        adaptation={"estimator": "antithetic"} if mirrored else {},
        use_hessian=hessian is not None,
        hessian_estimator=hessian or "antithetic",
        adaptation_queries=queries,
    )
    terms = []
    for task in range(TASKS):
        f = lambda x, task=task: QUADRATIC.values(x, task)  # noqa: E731
        g = normals(Purpose.ADAPTATION, AT, task, (queries or 6) // (2 if mirrored else 1))
        adapted = THETA + ALPHA * plain_gradient(f, THETA, g, 0.3, mirrored)
        after = plain_gradient(f, adapted, normals(Purpose.PERTURBATION, AT, task, 8), 0.5, False)
        matrix = np.zeros((D, D))
        if hessian:
            matrix = sum(HESSIANS[hessian](f, THETA, v, 0.3) * (np.outer(v, v) - np.eye(D)) for v in g)
            matrix = matrix / (0.3**2 * len(g))
        terms.append((np.eye(D) + ALPHA * matrix) @ after)
    np.testing.assert_allclose(run(subject).gradient, np.mean(terms, axis=0), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("use_hessian", [True, False])
def test_mean_gradient_is_that_of_the_smoothed_maml_objective(use_hessian):
    """But for the bias of an H and a g1 from the same queries, which is known and falls with their number."""
    antithetic = {"estimator": "antithetic", "queries": 12}
    subject = algorithm(adaptation=antithetic, use_hessian=use_hessian, estimator="antithetic")
    found = np.array([run(subject, Round(Phase.TRAIN, t)).gradient for t in range(1500)])
    exact = QUADRATIC.meta_gradient(THETA, ALPHA, use_hessian)
    bias = QUADRATIC.shared_query_bias(THETA, ALPHA, 6, mirrored=True) if use_hessian else 0.0
    assert near(found, exact + bias)
    assert not near(found, QUADRATIC.meta_gradient(THETA, ALPHA, not use_hessian))
    assert np.linalg.norm(bias) < 0.5 * np.linalg.norm(exact)


def test_normalized_rewards_divide_step_and_hessian_by_their_std():
    changes = dict(use_hessian=True, hessian_estimator="pivot")
    standardized = {"reward_normalization": "standardize"}
    for rewards in ("normalized", "raw"):
        found = run(algorithm(adaptation=standardized, hessian_rewards=rewards, **changes)).gradient
        terms = []
        for task in range(TASKS):
            f = lambda x, task=task: QUADRATIC.values(x, task)  # noqa: E731
            g = normals(Purpose.ADAPTATION, AT, task, 6)
            std = np.std([f(THETA), *(f(THETA + 0.3 * v) for v in g)])
            adapted = THETA + ALPHA * plain_gradient(f, THETA, g, 0.3, False) / std
            after = plain_gradient(f, adapted, normals(Purpose.PERTURBATION, AT, task, 8), 0.5, False)
            matrix = sum(HESSIANS["pivot"](f, THETA, v, 0.3) * (np.outer(v, v) - np.eye(D)) for v in g) / (0.09 * 6)
            terms.append(after + ALPHA * matrix @ after / (std if rewards == "normalized" else 1.0))
        np.testing.assert_allclose(found, np.mean(terms, axis=0), rtol=1e-9)


def test_a_lost_rollout_leaves_its_direction_out_and_a_lost_pivot_its_task():
    subject = algorithm(use_hessian=True, hessian_estimator="pivot")
    pivot = subject.probes[INNER].count - 1
    whole, fewer = run(subject), run(subject, lost=[(INNER, 1, pivot)])
    assert np.isnan(fewer.values).sum() == 1 and np.isfinite(whole.values).all()
    # The other tasks' terms are what they are when each is alone in the mean.
    others = [[(INNER, t, pivot) for t in range(TASKS) if t != kept] for kept in range(TASKS)]
    alone = [run(subject, lost=gone).gradient for gone in others]
    np.testing.assert_allclose(whole.gradient, np.mean(alone, axis=0), rtol=1e-12)
    np.testing.assert_allclose(fewer.gradient, np.mean([alone[t] for t in (0, 2, 3)], axis=0), rtol=1e-12)
    assert run(subject, lost=[(INNER, t, pivot) for t in range(TASKS)]).gradient is None
    f = lambda x: QUADRATIC.values(x, 0)  # noqa: E731
    g = normals(Purpose.PERTURBATION, AT, 0, 8)[[0, 1, 2, 4, 5, 6, 7]]
    lost = [(INNER, t, pivot) for t in (1, 2, 3)] + [(OUTER, 0, 3)]
    found = run(algorithm(), lost=lost).gradient
    adapted = THETA + ALPHA * plain_gradient(f, THETA, normals(Purpose.ADAPTATION, AT, 0, 6), 0.3, False)
    np.testing.assert_allclose(found, plain_gradient(f, adapted, g, 0.5, False), rtol=1e-9)


def test_values_are_both_probes_rewards_and_the_meta_value_that_of_the_adapted_policies():
    subject = algorithm(batch_size=2, current_evaluations=3)
    step = run(subject)
    assert step.values.shape == (subject.evaluations,) == (2 * (7 + 11),)
    tasks = subject.batches.draw(AT)
    for slot, task in enumerate(tasks):
        assert step.values[7 * slot + 6] == QUADRATIC.values(THETA, task)  # the pivot of each inner probe
    outer = step.values[14:].reshape(2, 11)
    assert np.all(outer[:, 8:] == outer[:, 8:9]) and step.meta_value == pytest.approx(outer[:, 8].mean())


def test_batches_and_directions_change_with_round_and_attempt():
    subject = algorithm(batch_size=2)
    rounds = [Round(Phase.TRAIN, t) for t in range(30)] + [Round(Phase.TRAIN, 0, 1)]
    assert len({tuple(subject.batches.draw(at)) for at in rounds}) > 6
    points = {
        tuple(point)
        for at in rounds
        for which in (0, 1)
        for point in subject.probes[which]
        .points(np.stack([THETA, THETA], axis=1), np.zeros(2, int), at, np.arange(2))
        .T
    }
    assert len(points) == 4 * len(rounds)


def test_outliers_hit_the_adaptation_and_not_the_outer_rewards():
    """Measured rewards are corrupted, scores are not: theta' moves, rewards at a given point do not."""
    outliers = {"fraction": 0.5, "relative": False, "outlier_scale": 100.0}
    one, other = run(algorithm()), run(algorithm(corruption=outliers))
    inner = TASKS * 7
    assert np.array_equal(one.values[:inner], other.values[:inner])  # recorded as they were
    assert np.all(one.values[inner:] != other.values[inner:])
    assert np.abs(other.values[inner:]).max() > 100

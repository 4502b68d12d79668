"""ES gradient adaptation driven by hand: against a plain loop over queries, and against closed forms."""

import itertools

import numpy as np
import pytest
import reference
from helpers import near, operator

from esmaml_mpi.directions.active_subspace import ActiveSubspace
from esmaml_mpi.directions.drawing import Directions, Source
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.rewards import NORMALIZATIONS
from esmaml_mpi.reproducibility.randomness import Streams

D, U, T = 5, 2, 3
RNG = np.random.default_rng(21)


class Normals:
    """Records the directions it hands out."""

    def __init__(self, shape, seed=0):
        self.shape, self.generator, self.drawn = shape, np.random.default_rng(seed), []

    def __call__(self, count):
        self.drawn.append(self.generator.standard_normal((*self.shape, count)))
        return self.drawn[-1].copy()


def run(session, rewards):
    """Answer an adaptation's queries with ``rewards(points)``: what it returns, and the batches it asked for."""
    batches = []
    try:
        batches.append(next(session))
        while True:
            batches.append(session.send(rewards(batches[-1])))
    except StopIteration as done:
        return done.value, batches


CENTRES = RNG.normal(size=(D, U, T))  # every unit and task has a reward of its own


def reward(x, centre):
    return -300.0 - np.add.reduce((x - centre) ** 2, axis=0) + np.sin(3 * x[0]) + x[1] * x[2]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("queries", [2, 20])
def test_adaptation_is_the_plain_loop_over_queries(estimator, kind, steps, queries):
    theta, normals = RNG.normal(size=(D, U, T)), Normals((D, U, T))
    step_size = 0.4 if kind == "standardize" else 0.01
    subject = operator(
        queries=queries, step_size=step_size, steps=steps, estimator=estimator, reward_normalization=kind
    )
    adapted, batches = run(subject.adapt(theta, normals), lambda points: reward(points, CENTRES[..., None]))
    assert adapted.shape == (D, U, T) and len(batches) == steps
    for u, t in itertools.product(range(U), range(T)):
        directions = [[drawn[:, u, t, i].tolist() for i in range(drawn.shape[-1])] for drawn in normals.drawn]
        expected, seen = reference.adapt(
            theta[:, u, t].tolist(),
            lambda x, u=u, t=t: float(reward(np.array(x), CENTRES[:, u, t])),
            directions,
            subject.sigma,
            step_size,
            estimator,
            kind,
        )
        found = np.concatenate([reward(points[:, u, t], CENTRES[:, u, t, None]) for points in batches])
        np.testing.assert_allclose(found, seen, rtol=1e-9)  # the same queries in the same order, the pivot last
        # Values near -300 are divided by their spread: rounding of 1e-16 * 300 / spread, through up to three steps
        np.testing.assert_allclose(adapted[:, u, t], expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_the_pivot_is_evaluated_only_where_it_enters(estimator, kind):
    subject = operator(queries=6, estimator=estimator, reward_normalization=kind)
    theta = RNG.normal(size=(D, U, T))
    _, (points,) = run(subject.adapt(theta, Normals((D, U, T))), lambda points: reward(points, CENTRES[..., None]))
    with_pivot = estimator == "forward_fd" or kind == "standardize"
    assert points.shape[-1] == 6 + with_pivot == subject.queries_at_once
    at_theta = np.all(points == theta[..., None], axis=0)
    assert np.all(at_theta[..., 6:]) and not np.any(at_theta[..., :6])


def test_antithetic_queries_are_mirror_images():
    theta, normals = RNG.normal(size=(D, U, T)), Normals((D, U, T))
    _, (points,) = run(
        operator(estimator="antithetic").adapt(theta, normals), lambda points: reward(points, CENTRES[..., None])
    )
    assert normals.drawn[0].shape[-1] == 3  # K / 2 directions
    np.testing.assert_allclose(
        points[..., 0:6:2] + points[..., 1:6:2], 2 * theta[..., None] + 0 * normals.drawn[0], rtol=1e-12
    )
    np.testing.assert_allclose(
        points[..., 0:6:2] - points[..., 1:6:2], 2 * 0.5 * normals.drawn[0], rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_step_is_the_smoothed_gradient_on_average(estimator):
    curvature = np.diag([2.0, -1.0, 0.5])
    curvature[0, 1] = curvature[1, 0] = 0.3
    slope, at, count = np.array([1.0, -2.0, 0.5]), np.array([0.5, -1.0, 2.0]), 20000

    def quadratic(x):
        return 2.0 + np.einsum("i,i...->...", slope, x) + np.einsum("i...,ij,j...->...", x, curvature, x) / 2

    theta = np.repeat(at[:, None], count, axis=1).reshape(3, 100, 200)
    subject = operator(sigma=0.7, step_size=0.25, estimator=estimator, reward_normalization="none")
    adapted, _ = run(subject.adapt(theta, Normals((3, 100, 200))), quadratic)
    gradients = ((adapted - theta) / 0.25).reshape(3, count).T
    assert near(gradients, slope + curvature @ at)
    assert not near(gradients, slope)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_variance_of_the_step_falls_as_one_over_k(estimator):
    slope = np.array([1.0, -2.0, 0.5])
    theta, spread = np.zeros((3, 1, 5000)), {}
    for queries in (2, 8, 32):
        subject = operator(queries=queries, step_size=1.0, estimator=estimator, reward_normalization="none")
        adapted, _ = run(subject.adapt(theta, Normals(theta.shape)), lambda x: np.einsum("i,i...->...", slope, x))
        directions = queries // len(ESTIMATORS[estimator].signs)
        # f is linear and 0 at theta: all three have the covariance (|b|^2 I + bb') / directions
        spread[queries] = np.sum((adapted[:, 0].T - slope) ** 2, axis=1) * directions
        assert near(spread[queries], 4 * slope @ slope)


@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_step_where_all_rewards_are_equal(estimator, kind):
    theta = RNG.normal(size=(D, U, T))

    def rewards(points):
        values = reward(points, CENTRES[..., None])
        values[1, 2] = -324.61
        return values

    adapted, _ = run(
        operator(steps=2, estimator=estimator, reward_normalization=kind).adapt(theta, Normals((D, U, T))), rewards
    )
    assert np.array_equal(adapted[:, 1, 2], theta[:, 1, 2])
    assert np.all(adapted[:, 0] != theta[:, 0])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_units_and_tasks_do_not_influence_each_other(estimator):
    theta, subject = RNG.normal(size=(D, U, T)), operator(steps=2, estimator=estimator)
    whole, _ = run(subject.adapt(theta, Normals((D, U, T))), lambda points: reward(points, CENTRES[..., None]))
    drawn = Normals((D, U, T))
    for _ in range(2):
        drawn(6 // len(ESTIMATORS[estimator].signs))
    for u, t in itertools.product(range(U), range(T)):
        mine = iter(array[:, u : u + 1, t : t + 1].copy() for array in drawn.drawn)
        alone, _ = run(
            subject.adapt(theta[:, u : u + 1, t : t + 1], lambda count, mine=mine: next(mine)),
            lambda points, u=u, t=t: reward(points, CENTRES[:, u : u + 1, t : t + 1, None]),
        )
        assert np.array_equal(alone[:, 0, 0], whole[:, u, t])


def test_theta_is_left_alone():
    theta = RNG.normal(size=(D, U, T))
    before = theta.copy()
    run(operator(steps=2).adapt(theta, Normals((D, U, T))), lambda points: reward(points, CENTRES[..., None]))
    assert np.array_equal(theta, before)


def test_reward_scale_and_shift_do_not_matter_when_standardized():
    theta = RNG.normal(size=(D, U, T))
    first, second = (
        run(
            operator().adapt(theta, Normals((D, U, T))),
            lambda points, a=a, b=b: a * reward(points, CENTRES[..., None]) + b,
        )[0]
        for a, b in ((1.0, 0.0), (50.0, 1000.0))
    )
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_a_step_by_directions_of_an_active_subspace_is_the_gradient_in_the_mean():
    slope, count = np.array([1.0, -2.0, 0.5, 1.5]), 20_000
    subspace = Subspace(np.eye(4)[:, :1], np.ones(1), 0.7)
    source = Source(ActiveSubspace(), Streams(1), subspace)
    drawn = source.sampler.draw(np.random.default_rng(3), 4, 8 * count, **source.sampler.from_subspace(subspace))
    normals = Directions(lambda k, size=None: drawn.reshape(4, 1, count, k), source)
    subject = operator(queries=8, step_size=1.0, sigma=0.5, estimator="forward_fd", reward_normalization="none")
    adapted, _ = run(subject.adapt(np.zeros((4, 1, count)), normals), lambda x: np.einsum("i,i...->...", slope, x))
    assert near(adapted[:, 0].T, slope)

"""Conjugate gradients against a dense solve; steps that are refused; a whole step on a task of which all is known."""

import numpy as np
import pytest
from linear_gaussian import POLICY, THETA, expectation, nodes, slope, trajectories
from whole_task import WholeTask

from esmaml_mpi.baselines.trust_region import Question, TrustRegion

RNG = np.random.default_rng(3)


def answer(generator, **answers):
    """Drive a generator: what it returns, and the candidates it asked for."""
    candidates, reply = [], None
    while True:
        try:
            question, vector = generator.send(reply)
        except StopIteration as end:
            return end.value, candidates
        if question == Question.CANDIDATE:
            candidates.append(vector)
        reply = answers[question.name.lower()](vector)


def matrix(size, condition=100.0):
    basis = np.linalg.qr(RNG.normal(size=(size, size)))[0]
    return (basis * np.geomspace(1, condition, size)) @ basis.T


@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_conjugate_gradients_solve_as_a_dense_solver_does(damping):
    dense, gradient = matrix(8), RNG.normal(size=8)
    generator = TrustRegion(iterations=12, damping=damping).natural_gradient(gradient)
    found, _ = answer(generator, fisher_product=lambda vector: dense @ vector)
    np.testing.assert_allclose(found, np.linalg.solve(dense + damping * np.eye(8), gradient), rtol=1e-7)


def test_fewer_iterations_are_the_best_of_the_krylov_space():
    dense, gradient = matrix(8), RNG.normal(size=8)
    generator = TrustRegion(iterations=3, damping=0.0).natural_gradient(gradient)
    found, _ = answer(generator, fisher_product=lambda vector: dense @ vector)
    space = np.linalg.qr(np.stack([np.linalg.matrix_power(dense, k) @ gradient for k in range(3)], axis=1))[0]
    best = space @ np.linalg.solve(space.T @ dense @ space, space.T @ gradient)
    np.testing.assert_allclose(found, best, rtol=1e-8)


def test_the_first_candidate_is_as_far_as_the_quadratic_model_allows():
    dense, gradient = matrix(6), RNG.normal(size=6)
    region = TrustRegion(max_divergence=0.02, iterations=8, damping=0.0)
    (theta, tried), candidates = answer(
        region.step(np.zeros(6), gradient, 0.0),
        fisher_product=lambda vector: dense @ vector,
        candidate=lambda x: np.array([gradient @ x, x @ dense @ x / 2 * (1 - 1e-9)]),
    )
    assert tried == 1 and theta is candidates[0]
    assert theta @ dense @ theta / 2 == pytest.approx(0.02)
    direction = np.linalg.solve(dense, gradient)
    np.testing.assert_allclose(theta / np.linalg.norm(theta), direction / np.linalg.norm(direction), rtol=1e-6)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [((-1.0, 0.0), "worse"), ((0.0, 0.0), "as good"), ((1.0, 0.02), "too far"), ((np.nan, 0.0), "nan")],
)
def test_candidates_that_are_no_improvement_are_refused(outcome, name):
    start = RNG.normal(size=4)
    (theta, tried), candidates = answer(
        TrustRegion().step(start, np.ones(4), 0.0),
        fisher_product=lambda vector: vector,
        candidate=lambda x: np.array(outcome),
    )
    assert theta is start and tried == len(candidates) == 15, name
    lengths = np.linalg.norm(np.array(candidates) - start, axis=1)
    np.testing.assert_allclose(lengths[1:] / lengths[:-1], 0.8)


def test_the_first_improvement_is_taken():
    limit = 0.5 * np.sqrt(2 * 0.01)
    (theta, tried), candidates = answer(
        TrustRegion().step(np.zeros(1), np.ones(1), 3.0),
        fisher_product=lambda vector: vector,
        candidate=lambda x: np.array([4.0 if x[0] < limit else 2.0, 0.0]),
    )
    assert tried == len(candidates) == 5 and theta is candidates[-1]  # 0.8^4 < 0.5 < 0.8^3


@pytest.mark.parametrize("gradient", [np.zeros(3), np.full(3, np.nan)])
def test_without_a_direction_theta_stays(gradient):
    start = np.ones(3)
    (theta, tried), candidates = answer(TrustRegion().step(start, gradient, 0.0), fisher_product=lambda v: v)
    assert theta is start and tried == 0 and not candidates


def test_where_the_curvature_is_flat_nothing_infinite_is_asked_for():
    """Without damping: conjugate gradients keep what they have found where it is not."""
    gradient = np.array([1.0, 2.0, 0.5])
    for dense, expected in ((np.zeros((3, 3)), np.zeros(3)), (np.diag([2.0, 2.0, 0.0]), None)):
        asked = []

        def product(vector, dense=dense, asked=asked):
            asked.append(vector)
            return dense @ vector

        generator = TrustRegion(damping=0.0, iterations=50).natural_gradient(gradient)
        found, _ = answer(generator, fisher_product=product)
        assert np.isfinite(asked).all() and np.isfinite(found).all()
        assert expected is None or np.array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["dice", "lvc"])
def test_steps_of_maml_improve_the_exact_objective_within_the_limit(estimator):
    """Eight meta-iterations; expectations are exact, so each of them must be an improvement."""
    learner, grid, theta = WholeTask(POLICY, estimator, 0.05), nodes(2, 8), THETA
    reached = [expectation(theta + 0.05 * slope(theta, 2), 2)]
    for _ in range(8):
        supports = (trajectories(theta, *grid),)
        adapted = learner.adapted(theta, supports)
        query = trajectories(adapted, *grid)
        value, divergence = learner.surrogate(theta, supports, query, 0.0, adapted)
        assert abs(divergence) < 1e-13

        def fisher_product(vector, at=theta, data=(supports, query)):
            return learner.fisher_product(at, *data, vector)

        def candidate(x, data=(supports, query, 0.0, adapted)):
            return np.array(learner.surrogate(x, *data))

        gradient = learner.gradient(theta, supports, query, 0.0)
        (new, tried), candidates = answer(
            TrustRegion().step(theta, gradient, float(value)), fisher_product=fisher_product, candidate=candidate
        )
        assert 1 <= tried == len(candidates) <= 15
        assert 0.001 < candidate(new)[1] <= 0.01
        theta = new
        reached.append(expectation(theta + 0.05 * slope(theta, 2), 2))
    assert np.all(np.diff(reached) > 0)


def test_damping_shortens_the_step():
    session = TrustRegion(max_divergence=0.02, damping=3.0).step(np.zeros(1), np.ones(1), 0.0)
    question, vector = next(session)
    while question == Question.FISHER_PRODUCT:
        question, vector = session.send(vector)  # F = 1, and 4 with the damping
    np.testing.assert_allclose(vector, np.sqrt(2 * 0.02 / 4))

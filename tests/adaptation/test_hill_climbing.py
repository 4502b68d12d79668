"""Hill climbing against a plain loop over one unit, against published and exact gains, and where it must not move."""

import itertools

import numpy as np
import pytest
from driving import Again, Normals, hills, noisy, run
from helpers import near, rollout_setup, unscaled

from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.units import Units

D, U, T = 4, 3, 2
RNG = np.random.default_rng(31)
THETA, CENTRES = RNG.normal(size=(D, U, T)), RNG.normal(size=(D, U, T))
SCHEMES = [("sequential", 1), ("average", 1), ("average", 5), ("batch", 1), ("batch", 5)]
EACH = pytest.mark.parametrize("scheme, evaluations", SCHEMES)
PIVOT = pytest.mark.parametrize("reevaluate", [False, True])


def climber(scheme, evaluations, reevaluate=False, queries=7, sigma=0.5):
    return HillClimbing(
        queries=queries, sigma=sigma, scheme=scheme, evaluations=evaluations, reevaluate_pivot=reevaluate
    )


def plain(theta, directions, answers, subject):
    """One unit's climb in plain Python: lists of numbers, one policy after the other; answers as they were given."""
    answers, p = iter(answers), subject.evaluations
    centre, path = list(theta), []
    pivot = None if subject.reevaluate_pivot else sum(next(answers) for _ in range(p)) / p
    for drawn in directions:
        steps = [[x + subject.sigma * g for x, g in zip(centre, row, strict=True)] for row in drawn]
        if subject.scheme == "batch":
            values = [next(answers) for _ in steps]
        else:
            values = [sum(next(answers) for _ in range(p)) / p]
        if subject.reevaluate_pivot:
            pivot = sum(next(answers) for _ in range(p)) / p
        winner = max(range(len(steps)), key=lambda i: values[i])
        if values[winner] > pivot:
            centre, pivot = steps[winner], values[winner]
        path.append(centre)
    return path


@EACH
@PIVOT
def test_it_is_the_plain_loop_in_every_unit(scheme, evaluations, reevaluate):
    subject, normals = climber(scheme, evaluations, reevaluate), Normals((D, U, T))
    path = []
    session = subject.adapt(THETA, normals, path.append)
    adapted, batches, answers = run(session, noisy(hills(CENTRES), 1.0))
    assert sum(batch.shape[-1] for batch in batches) == subject.rollouts
    assert max(batch.shape[-1] for batch in batches) == subject.queries_at_once
    assert min(len({policy.tobytes() for policy in batch[:, 0, 0].T}) for batch in batches) == subject.fewest_at_once
    assert len(path) == 7 and np.array_equal(path[-1], adapted)
    moves = 0
    for u, t in itertools.product(range(U), range(T)):
        directions = [drawn[:, u, t].T.tolist() for drawn in normals.drawn]
        given = np.concatenate([answer[u, t] for answer in answers]).tolist()
        expected = plain(THETA[:, u, t].tolist(), directions, given, subject)
        np.testing.assert_allclose([step[:, u, t] for step in path], expected, rtol=1e-12)
        moves += len({tuple(step) for step in expected}) - 1
    assert 0 < moves < 7 * U * T  # both answers occurred


@pytest.mark.parametrize("scheme, evaluations, reevaluate, rollouts", [
    ("sequential", 1, False, 50), ("average", 5, False, 250), ("batch", 5, False, 250), ("batch", 5, True, 490),
])  # fmt: skip
def test_rollouts_as_published(scheme, evaluations, reevaluate, rollouts):
    assert climber(scheme, evaluations, reevaluate, queries=49).rollouts == rollouts


@EACH
@PIVOT
def test_without_noise_no_step_goes_down(scheme, evaluations, reevaluate):
    reward, path = hills(CENTRES), [THETA]
    run(climber(scheme, evaluations, reevaluate, queries=40).adapt(THETA, Normals((D, U, T)), path.append), reward)
    values = np.array([reward(step[..., None])[..., 0] for step in path])
    assert (np.diff(values, axis=0) >= 0).all()
    assert (values[-1] > values[0]).all()


@EACH
@PIVOT
def test_units_and_tasks_do_not_influence_each_other(scheme, evaluations, reevaluate):
    subject, normals = climber(scheme, evaluations, reevaluate), Normals((D, U, T))
    whole, _, answers = run(subject.adapt(THETA, normals), noisy(hills(CENTRES), 1.0))
    for u, t in itertools.product(range(U), range(T)):
        mine = iter(answer[u : u + 1, t : t + 1] for answer in answers)
        alone, _, _ = run(
            subject.adapt(THETA[:, u : u + 1, t : t + 1], Again(normals, u, t)), lambda points, mine=mine: next(mine)
        )
        assert np.array_equal(alone[:, 0, 0], whole[:, u, t])


@PIVOT
def test_simulated_units_are_the_same_in_any_grouping(reevaluate):
    setup = rollout_setup("cartpole_sensor_bias", horizon=15)
    evaluator = Evaluator(setup, climber("batch", 3, reevaluate, queries=4))
    points = np.random.default_rng(5).normal(size=(setup.policy.size, 5))
    units = Units(Round(Phase.TRAIN, 2), np.array([[0, 1], [1, 2], [3, 0], [2, 3], [1, 0]]), np.arange(5))
    observer = unscaled(setup.policy.observation_size)
    whole, tally = evaluator.adapt(points, units, observer)
    assert (tally.rollouts == 2 * evaluator.operator.rollouts).all()
    for part in (slice(0, 1), slice(1, 3), slice(3, 5)):
        assert np.array_equal(evaluator.adapt(points[:, part], units[part], observer)[0], whole[:, part])
    assert (whole != points[:, :, None]).any()


# Mean true gain of 50 rollouts on f(x) = x with steps N(0, 1), by standard deviation of the noise in a reward
GAINS = {
    ("sequential", 1, 49): {0: 19.6, 1: 8.3, 3: 1.9},
    ("average", 5, 9): {0: 3.6, 1: 3.0, 3: 1.4},
    ("batch", 5, 9): {0: 10.5, 1: 5.8, 3: 1.6},
    ("batch", 10, 4): {0: 6.2, 1: 3.9, 3: 1.3},
    ("batch", 25, 1): {0: 2.0, 1: 1.4, 3: 0.6},
}
CLIMBS = 20_000


@pytest.mark.parametrize("kind", GAINS, ids=str)
@pytest.mark.parametrize("spread", [0, 1, 3])
def test_gains_on_a_linear_reward(kind, spread):
    scheme, evaluations, queries = kind
    subject = climber(scheme, evaluations, queries=queries, sigma=1.0)
    assert subject.rollouts == 50
    theta = np.zeros((1, CLIMBS, 1))
    gains, _, _ = run(subject.adapt(theta, Normals(theta.shape)), noisy(lambda x: x[0], spread))
    gains = gains.ravel()
    # Both means have a standard error of this size, and the known one was rounded to 0.1
    error = gains.std(ddof=1) / np.sqrt(CLIMBS)
    assert abs(gains.mean() - GAINS[kind][spread]) < 0.05 + 4 * np.sqrt(2) * error


def test_a_pivot_evaluated_anew_is_not_fooled_for_long():
    theta, gains = np.zeros((1, CLIMBS, 1)), {}
    for reevaluate in (False, True):
        subject = climber("sequential", 1, reevaluate, queries=30, sigma=1.0)
        adapted, _, _ = run(subject.adapt(theta, Normals(theta.shape)), noisy(lambda x: x[0], 3.0))
        gains[reevaluate] = adapted.ravel()
    # A step g is taken if g + 3 e > 3 e': E[g; g > 3 (e' - e)] = phi(0) / sqrt(1 + 2 * 9), thirty times over
    assert near(gains[True], 30 / np.sqrt(2 * np.pi * 19))
    assert gains[True].mean() > 1.5 * gains[False].mean()


@EACH
@PIVOT
def test_equal_rewards_and_failures_move_nothing(scheme, evaluations, reevaluate):
    for worst in (-300.0, np.nan, -np.inf):
        told = []

        def rewards(points, worst=worst, told=told):
            told.append(points)
            at_theta = np.all(points == THETA[..., None], axis=0)
            return np.where(at_theta, -300.0, worst)

        adapted, _, _ = run(climber(scheme, evaluations, reevaluate).adapt(THETA, Normals((D, U, T))), rewards)
        assert np.array_equal(adapted, THETA) and len(told) > 1


@pytest.mark.parametrize("scheme, evaluations", [("average", 5), ("batch", 5)])
def test_one_failure_among_several(scheme, evaluations):
    """An averaged candidate that has failed once is not chosen; in a batch the others still compete."""

    def rewards(points):
        values = hills(CENTRES)(points)
        values[..., 2] = np.where((points[..., 2] == THETA).all(axis=0), values[..., 2], np.nan)
        return values

    normals = Normals((D, U, T))
    adapted, _, _ = run(climber(scheme, evaluations, queries=20).adapt(THETA, normals), rewards)
    if scheme == "average":
        assert np.array_equal(adapted, THETA)
    else:
        assert (adapted != THETA).any(axis=0).all()
        third = normals.drawn[0][..., 2] * 0.5 + THETA
        assert not (adapted == third).all(axis=0).any()


def test_a_failed_pivot_loses_to_any_reward():
    def rewards(points):
        return np.where((points == THETA[..., None]).all(axis=0), np.nan, -1e9)

    normals = Normals((D, U, T))
    adapted, _, _ = run(climber("sequential", 1).adapt(THETA, normals), rewards)
    assert np.array_equal(adapted, THETA + 0.5 * normals.drawn[0][..., 0])


def test_theta_is_left_alone():
    before = THETA.copy()
    run(climber("batch", 3).adapt(THETA, Normals((D, U, T))), hills(CENTRES))
    assert np.array_equal(THETA, before)


def test_sequential_with_several_evaluations_is_refused():
    with pytest.raises(ConfigError, match=r"adaptation\.evaluations = 5: .* average or batch"):
        HillClimbing(scheme="sequential", evaluations=5)

"""Racing: its budget, its candidates, where it must not go, and what it gains under noise."""

import itertools

import numpy as np
import pytest
from driving import Again, Normals, hills, noisy, run

from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.racing import Racing

D, U, T = 4, 3, 2
RNG = np.random.default_rng(37)
THETA, CENTRES = RNG.normal(size=(D, U, T)), RNG.normal(size=(D, U, T))
EACH = list(itertools.product(range(U), range(T)))


def test_fifty_rollouts_by_default():
    assert Racing().rollouts == 50


def test_candidates_lie_around_the_best_so_far_and_others_are_policies_seen():
    subject, normals, path = Racing(rounds=6, candidates=3, reevaluations=4, sigma=0.5), Normals((D, U, T)), []
    adapted, batches, _ = run(subject.adapt(THETA, normals, path.append), noisy(hills(CENTRES), 1.0))
    sizes = [batch.shape[-1] for batch in batches]
    assert sizes == [4, 1, 1, 1, 1] + [3, 1, 1, 1, 1] * 5
    assert sum(sizes) == subject.rollouts and len(sizes) == subject.yields
    assert (max(sizes), min(sizes)) == (subject.queries_at_once, subject.fewest_at_once)
    assert len(path) == 24 and np.array_equal(path[-1], adapted)
    centre, again = THETA, 0
    for number in range(6):
        first, *further = batches[5 * number : 5 * number + 5]
        expected = centre[..., None] + 0.5 * normals.drawn[number]
        assert np.array_equal(first[..., -3:], expected)
        race = np.concatenate([centre[..., None], expected], axis=-1)
        for batch, (u, t) in itertools.product(further, EACH):
            chosen = np.flatnonzero((race[:, u, t] == batch[:, u, t]).all(axis=0))
            assert chosen.size == 1
            again += chosen[0] == 0
        centre = path[4 * number + 3]
        assert all((race[:, u, t].T == centre[:, u, t]).all(axis=1).any() for u, t in EACH)
    assert 0 < again < 24 * U * T  # pivots and candidates were tried again


def test_without_noise_no_round_goes_down():
    reward, path = hills(CENTRES), [THETA]
    run(Racing(rounds=20, sigma=0.5).adapt(THETA, Normals((D, U, T)), path.append), reward)
    values = np.array([reward(step[..., None])[..., 0] for step in path])
    # a mean of equal rewards may differ from them in its last bits
    assert (np.diff(values, axis=0) >= -1e-9).all() and (values[-1] > values[0]).all()


def test_units_and_tasks_do_not_influence_each_other():
    subject, normals = Racing(rounds=5, sigma=0.5), Normals((D, U, T))
    whole, _, answers = run(subject.adapt(THETA, normals), noisy(hills(CENTRES), 1.0))
    for u, t in EACH:
        mine = iter(answer[u : u + 1, t : t + 1] for answer in answers)
        alone, _, _ = run(
            subject.adapt(THETA[:, u : u + 1, t : t + 1], Again(normals, u, t)), lambda points, mine=mine: next(mine)
        )
        assert np.array_equal(alone[:, 0, 0], whole[:, u, t])


@pytest.mark.parametrize("worst", [-300.0, np.nan, -np.inf])
def test_equal_rewards_and_failures_move_nothing(worst):
    def rewards(points):
        return np.where(np.all(points == THETA[..., None], axis=0), -300.0, worst)

    adapted, _, _ = run(Racing(sigma=0.5).adapt(THETA, Normals((D, U, T))), rewards)
    assert np.array_equal(adapted, THETA)


def test_a_failed_pivot_loses_to_any_reward():
    def rewards(points):
        return np.where((points == THETA[..., None]).all(axis=0), np.nan, -1e9)

    adapted, _, _ = run(Racing(rounds=1, sigma=0.5).adapt(THETA, Normals((D, U, T))), rewards)
    assert not (adapted == THETA).all(axis=0).any()


CLIMBS = 10_000


@pytest.mark.parametrize("spread", [3.0, 10.0])
def test_under_much_noise_it_gains_more_than_a_batch_of_as_many_rollouts(spread):
    """On f(x) = x with steps N(0, 1), 50 rollouts each."""
    theta, gains = np.zeros((1, CLIMBS, 1)), []
    batch = HillClimbing(queries=9, sigma=1.0, scheme="batch", evaluations=5)
    for subject in (batch, Racing(sigma=1.0)):
        assert subject.rollouts == 50
        adapted, _, _ = run(subject.adapt(theta, Normals(theta.shape)), noisy(lambda x: x[0], spread))
        gains.append(adapted.ravel())
    error = np.sqrt((gains[0].var() + gains[1].var()) / CLIMBS)
    assert gains[1].mean() - gains[0].mean() > 4 * error

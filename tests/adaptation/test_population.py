"""Population search against a plain sorted list, against hill climbing, and where it must not move."""

import itertools

import numpy as np
import pytest
from driving import Again, Normals, hills, noisy, run

from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.population import PopulationSearch
from esmaml_mpi.errors import ConfigError

D, U, T = 4, 3, 2
RNG = np.random.default_rng(41)
THETA, CENTRES = RNG.normal(size=(D, U, T)), RNG.normal(size=(D, U, T))
SIZES = pytest.mark.parametrize(
    "population, survivors, generations", [(1, 1, 6), (5, 2, 4), (4, 4, 3), (6, 1, 3), (40, 30, 2)]
)


def search(population, survivors, generations):
    return PopulationSearch(population=population, survivors=survivors, generations=generations, sigma=0.5)


def plain(theta, directions, answers, subject):
    """One unit's search with a list of (reward, policy) that is sorted."""
    answers, directions = iter(answers), iter(directions)
    children = [list(theta)]
    if subject.population > 1:
        children += [[x + subject.sigma * g for x, g in zip(theta, row, strict=True)] for row in next(directions)]
    parents = []
    for generation in range(subject.generations):
        if generation:
            origins = itertools.islice(itertools.cycle([policy for _, policy in parents]), subject.population)
            children = [
                [x + subject.sigma * g for x, g in zip(origin, row, strict=True)]
                for origin, row in zip(origins, next(directions), strict=True)
            ]
        family = parents + [(next(answers), child) for child in children]
        parents = sorted(family, key=lambda one: -one[0])[: subject.survivors]
    return parents[0][1]


@SIZES
def test_it_is_the_sorted_list_in_every_unit_alone_or_together(population, survivors, generations):
    subject, normals = search(population, survivors, generations), Normals((D, U, T))
    reward = noisy(hills(CENTRES), 0.5)

    def with_ties(points):
        return np.round(reward(points) / 2)

    adapted, batches, answers = run(subject.adapt(THETA, normals), with_ties)
    assert [batch.shape[-1] for batch in batches] == [subject.queries_at_once] * generations
    assert subject.rollouts == population * generations
    for u, t in itertools.product(range(U), range(T)):
        directions = [drawn[:, u, t].T.tolist() for drawn in normals.drawn]
        given = np.concatenate([answer[u, t] for answer in answers]).tolist()
        expected = plain(THETA[:, u, t].tolist(), directions, given, subject)
        np.testing.assert_allclose(adapted[:, u, t], expected, rtol=1e-12)
        mine = iter(answer[u : u + 1, t : t + 1] for answer in answers)
        alone, _, _ = run(
            subject.adapt(THETA[:, u : u + 1, t : t + 1], Again(normals, u, t)), lambda points, mine=mine: next(mine)
        )
        assert np.array_equal(alone[:, 0, 0], adapted[:, u, t])


def test_a_population_of_one_climbs_hills():
    one, _, _ = run(search(1, 1, 9).adapt(THETA, Normals((D, U, T))), hills(CENTRES))
    other, _, _ = run(HillClimbing(queries=8, sigma=0.5).adapt(THETA, Normals((D, U, T))), hills(CENTRES))
    assert np.array_equal(one, other) and (one != THETA).any()


@SIZES
def test_without_noise_no_generation_goes_down_and_the_best_is_returned(population, survivors, generations):
    reward, path = hills(CENTRES), [THETA]
    subject = search(population, survivors, 8 * generations)
    adapted, _, answers = run(subject.adapt(THETA, Normals((D, U, T)), path.append), reward)
    values = np.array([reward(step[..., None])[..., 0] for step in path])
    assert (np.diff(values, axis=0) >= 0).all() and (values[-1] > values[0]).all()
    assert np.array_equal(reward(adapted[..., None])[..., 0], np.concatenate(answers, axis=-1).max(axis=-1))


@SIZES
def test_equal_rewards_and_failures_move_nothing(population, survivors, generations):
    for worst in (-300.0, np.nan, -np.inf):

        def rewards(points, worst=worst):
            return np.where((points == THETA[..., None]).all(axis=0), -300.0, worst)

        subject = search(population, survivors, generations)
        adapted, _, _ = run(subject.adapt(THETA, Normals((D, U, T))), rewards)
        assert np.array_equal(adapted, THETA)


def test_more_survivors_than_policies_are_refused():
    with pytest.raises(ConfigError, match=r"survivors = 3: at most adaptation\.population = 2"):
        PopulationSearch(population=2, survivors=3)

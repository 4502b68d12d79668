"""Evo-MAML by rewards alone: its queries, candidates and gradients, on functions of which all is known."""

import subprocess
import sys

import numpy as np
import pytest
from driving import Again, Normals, hills, run

from esmaml_mpi.adaptation.es_gradient import ESGradient
from esmaml_mpi.baselines.evo_es_gradient import EvoESGradient
from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.baselines.outer_gradient import OuterGradient
from esmaml_mpi.errors import ConfigError

RNG = np.random.default_rng(9)
STEPS = dict(queries=4, sigma=0.3, step_size=0.2, steps=2)
INNER = ESGradient(**STEPS)
ADAPTATION = EvoESGradient(**STEPS, candidates=3, candidate_sigma=0.1, temperature=0.5)


def system(**changes):
    return OuterGradient(**{"queries": 6, "sigma": 0.2, **changes})


def test_adaptation_is_es_gradient_steps_and_then_the_evolving_step():
    theta, reward = RNG.normal(size=(4, 2, 3)), hills(RNG.normal(size=(4, 2, 3)))
    normals, again = Normals(theta.shape), Normals(theta.shape)
    mixture, batches, answers = run(ADAPTATION.adapt(theta, normals), reward)
    assert [batch.shape[-1] for batch in batches] == [5, 5, 3]
    adapted, inner, _ = run(INNER.adapt(theta, again), reward)
    assert all(np.array_equal(a, b) for a, b in zip(inner, batches, strict=False))
    np.testing.assert_allclose(batches[2], adapted[..., None] + 0.1 * np.sign(normals.drawn[2]), rtol=1e-12)
    assert np.array_equal(mixture, Evolution(3, 0.1, 0.5).mixture(batches[2], answers[2]))


@pytest.mark.parametrize("estimator", ["antithetic", "forward_fd"])
def test_more_candidates_than_queries_leave_the_gradient_steps_as_they_are(estimator):
    theta, reward = RNG.normal(size=(4, 2, 3)), hills(RNG.normal(size=(4, 2, 3)))
    many = EvoESGradient(**STEPS, estimator=estimator, candidates=9)
    _, batches, _ = run(many.adapt(theta, Normals(theta.shape)), reward)
    _, inner, _ = run(ESGradient(**STEPS, estimator=estimator).adapt(theta, Normals(theta.shape)), reward)
    assert [batch.shape[-1] for batch in batches] == [5, 5, 9] and many.rollouts == 19
    assert many.queries_at_once == many.directions_at_once == 9
    assert all(np.array_equal(a, b) for a, b in zip(inner, batches[:2], strict=True))


def test_candidates_are_no_rows_of_a_regression():
    few = EvoESGradient(queries=4, decoder="lp", candidates=50)
    with pytest.raises(ConfigError) as error:
        ESGradient(queries=4, decoder="lp").check_dimension(20)
    with pytest.raises(ConfigError) as other:
        few.check_dimension(20)
    assert str(other.value) == str(error.value)


@pytest.mark.parametrize("estimator", ["antithetic", "forward_fd"])
def test_gradients_are_finite_differences_along_the_drawn_directions(estimator):
    theta, slope = RNG.normal(size=(4, 1, 1)), RNG.normal(size=4)
    normals = Normals(theta.shape)
    session = system(estimator=estimator, reward_normalization="none").estimate(theta, normals)
    found, (points,), _ = run(session, lambda points: 5.0 + np.einsum("i,iutq->utq", slope, points))
    directions = normals.drawn[0][:, 0, 0]
    expected = np.mean(directions * (slope @ directions), axis=1)  # a linear reward: any finite difference is exact
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=1e-10)
    expected_shapes = {"antithetic": (3, 6), "forward_fd": (6, 7)}  # mirrored pairs; the pivot is one more
    assert (directions.shape[1], points.shape[-1]) == expected_shapes[estimator]
    reach = np.linalg.norm(points[..., :6] - theta[..., None], axis=0).max()
    assert reach == pytest.approx(0.2 * np.linalg.norm(directions, axis=0).max())


@pytest.mark.parametrize("estimator", ["antithetic", "forward_fd"])
def test_standardised_rewards_give_the_same_gradient_at_any_scale(estimator):
    theta, reward = RNG.normal(size=(4, 2, 3)), hills(RNG.normal(size=(4, 2, 3)))
    first, _, (rewards,) = run(system(estimator=estimator).estimate(theta, Normals(theta.shape)), reward)
    scaled, _, _ = run(
        system(estimator=estimator).estimate(theta, Normals(theta.shape)), lambda points: 40 * reward(points) - 7
    )
    np.testing.assert_allclose(scaled, first, rtol=1e-8)
    raw, _, _ = run(
        system(estimator=estimator, reward_normalization="none").estimate(theta, Normals(theta.shape)), reward
    )
    np.testing.assert_allclose(first, raw / rewards.std(axis=-1), rtol=1e-8)
    assert rewards.shape[-1] == 7  # the pivot is part of the standardisation, as in the core


def test_units_and_tasks_do_not_depend_on_each_other():
    centres = RNG.normal(size=(4, 2, 3))
    theta = RNG.normal(size=(4, 2, 3))
    for generator in (ADAPTATION.adapt, system().estimate):
        normals = Normals(theta.shape)
        whole, _, _ = run(generator(theta, normals), hills(centres))
        for u, t in np.ndindex(2, 3):
            one = np.s_[:, u : u + 1, t : t + 1]
            alone, _, _ = run(generator(theta[one], Again(normals, u, t)), hills(centres[one]))
            assert np.array_equal(alone, whole[one])


def test_meta_training_finds_what_adapts_to_all_tasks():
    """Four tasks with peaks around (2, -1): theta goes where one adaptation reaches them."""
    centres = np.array([[2.0, -1.0]]).T[:, :, None] + np.array([[1, 1, -1, -1], [1, -1, 1, -1]])[:, None] * 0.5
    inner = EvoESGradient(queries=4, sigma=0.1, step_size=0.02, candidates=3, candidate_sigma=0.1, temperature=0.5)
    outer, theta, normals = OuterGradient(10, 0.1), np.zeros(2), Normals((2, 1, 4))

    def reward(points):
        return -np.add.reduce((points - centres[..., None]) ** 2, axis=0)

    for _ in range(150):
        mixture, _, _ = run(inner.adapt(np.repeat(theta[:, None, None], 4, axis=2), normals), reward)
        gradient, _, _ = run(outer.estimate(mixture, normals), reward)
        theta = theta + 0.02 * gradient.mean(axis=(1, 2))
    assert np.linalg.norm(theta - [2, -1]) < 0.3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"sigma": 0.0}, "sigma = 0.0"), ({"queries": 5}, "queries = 5: estimator 'antithetic' needs an even number")],
)
def test_refusals(wrong, words):
    with pytest.raises(ConfigError, match=words):
        system(**wrong)


def test_it_needs_no_jax():
    modules = "sys, esmaml_mpi.commands.main, esmaml_mpi.baselines.evo_zero_order"
    code = f"import {modules}; print('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

"""Determinantal directions: kernels, lengths, the learned subspace, what is refused."""

import numpy as np
import pytest
from helpers import near, same
from samplers import draws

from esmaml_mpi.directions import dpp, make_sampler
from esmaml_mpi.errors import ConfigError

RNG = np.random.default_rng(6)


def off_diagonal(sampler, dimension, count=2000):
    """Mean kernel value between two different candidates."""
    candidates = np.random.default_rng(dimension).standard_normal((dimension, count))
    kernel = sampler.similarities(candidates)
    assert np.array_equal(kernel, kernel.T) and np.all(np.abs(np.diag(kernel) - 1) < 1e-14)
    return kernel[~np.eye(count, dtype=bool)].mean()


@pytest.mark.parametrize(("dimension", "value"), [(6, 0.79), (50, 0.146), (200, 4.5e-4)])
def test_released_length_has_the_known_kernel_values(dimension, value):
    released = make_sampler("dpp", {"absolute_length": 0.5 / 0.1})
    exact = (1 + 2 / 5.0**2) ** (-dimension / 2)  # E exp(-|x - y|^2 / (2 l^2)), x - y ~ N(0, 2I)
    assert exact == pytest.approx(value, rel=0.02)
    assert off_diagonal(released, dimension) == pytest.approx(exact, rel=0.03)


def test_released_length_in_1000_dimensions_is_no_kernel_at_all():
    released = make_sampler("dpp", {"absolute_length": 5.0})
    assert off_diagonal(released, 1000, 100) < 1e-15


@pytest.mark.parametrize("dimension", [50, 200, 1000])
@pytest.mark.parametrize("length", [0.5, 1.0, 2.0])
def test_relative_length_means_the_same_in_every_dimension(dimension, length):
    found = off_diagonal(make_sampler("dpp", {"length": length}), dimension)
    assert found == pytest.approx(np.exp(-0.5 / length**2), rel=0.1)


def test_chosen_directions_are_less_alike_than_candidates():
    for kernel in ("rbf", "cosine"):
        sampler = make_sampler("dpp", {"kernel": kernel})
        generator = np.random.default_rng(0)
        chosen = [sampler.similarities(sampler.draw(generator, 4, 4)) ** 2 - np.eye(4) for _ in range(300)]
        free = [sampler.similarities(generator.standard_normal((4, 4))) ** 2 - np.eye(4) for _ in range(300)]
        assert np.mean(chosen) < 0.8 * np.mean(free)


def test_cosines_leave_lengths_alone():
    squares = (draws("dpp_cosine", 5, 4, 3000) ** 2).sum(axis=1)
    assert near(squares, 5.0) and near(squares**2, 35.0)  # chi-square: d, d (d + 2)


def test_more_directions_than_dimensions_by_angle_need_a_ridge():
    without = make_sampler("dpp", {"kernel": "cosine", "ridge": 0.0})
    assert without.draw(np.random.default_rng(0), 6, 6).shape == (6, 6)
    for refused in (without.check, lambda d, k: without.draw(np.random.default_rng(0), d, k)):
        with pytest.raises(ConfigError, match=r"7 directions are wanted, but cosines in 6 dimensions .* rank 6"):
            refused(6, 7)
    assert make_sampler("dpp", {"kernel": "cosine"}).draw(np.random.default_rng(0), 6, 20).shape == (6, 20)


@pytest.mark.parametrize("length", [1e-300, 1e300])
def test_extreme_lengths_are_uniform_choices(length):
    found = make_sampler("dpp", {"length": length}).draw(np.random.default_rng(0), 6, 5)
    assert np.isfinite(found).all() and len(np.unique(found, axis=1).T) == 5


def test_learned_is_rbf_as_long_as_nothing_is_learned():
    learned, rbf = (make_sampler("dpp", {"kernel": kernel}) for kernel in ("learned", "rbf"))
    assert learned.uses_basis and not rbf.uses_basis
    assert same(learned.draw(np.random.default_rng(0), 6, 5), rbf.draw(np.random.default_rng(0), 6, 5))


@pytest.mark.parametrize("options", [{}, {"length": 0.4}, {"absolute_length": 5.0}])
def test_learned_in_a_whole_basis_is_rbf_whatever_the_rotation(options):
    learned, rbf = (make_sampler("dpp", {"kernel": kernel, **options}) for kernel in ("learned", "rbf"))
    candidates = RNG.standard_normal((6, 40))
    turn = np.linalg.qr(RNG.standard_normal((6, 6)))[0]
    for weights in (None, np.full(6, 3.7)):
        np.testing.assert_allclose(
            learned.similarities(candidates, turn, weights), rbf.similarities(candidates), atol=1e-12
        )


def test_learned_kernel_is_the_weighted_distance_in_the_subspace():
    sampler = make_sampler("dpp", {"kernel": "learned", "absolute_length": 2.0})
    candidates, basis = RNG.standard_normal((6, 2)), np.linalg.qr(RNG.standard_normal((6, 3)))[0]
    along = basis.T @ (candidates[:, 0] - candidates[:, 1])
    distance = 1.5 * along[0] ** 2 + 0.75 * along[1] ** 2 + 0.75 * along[2] ** 2  # weights of mean 1
    for scale in (1.0, 1e-300, 1e300):
        found = sampler.similarities(candidates, basis, scale * np.array([2.0, 1.0, 1.0]))
        assert found[0, 1] == pytest.approx(np.exp(-distance / 8))


def test_learned_directions_differ_along_the_basis():
    sampler = make_sampler("dpp", {"kernel": "learned"})
    basis = np.eye(20)[:, :1]
    generator = np.random.default_rng(1)
    g = np.stack([sampler.draw(generator, 20, 4, basis=basis) for _ in range(600)])
    squares = (g**2).mean(axis=2)
    assert np.all(squares[:, 0].mean() > 1.5)
    assert near(squares[:, 1:], 1.0)  # the others are as they were
    again = sampler.draw(np.random.default_rng(1), 20, 4, basis=-basis)
    assert same(again, g[0])  # an axis has no sign


def test_one_axis_has_room_for_more_directions_than_its_kernel_has_rank():
    basis = np.eye(20)[:, :1]
    found = make_sampler("dpp", {"kernel": "learned"}).draw(np.random.default_rng(0), 20, 20, basis=basis)
    assert len(np.unique(found, axis=1).T) == 20
    with pytest.raises(ConfigError, match=r"has rank \d+\. Set a ridge"):
        make_sampler("dpp", {"kernel": "learned", "ridge": 0.0}).draw(np.random.default_rng(0), 20, 20, basis=basis)


@pytest.mark.parametrize(
    ("basis", "weights", "message"),
    [
        (np.ones((5, 2)), None, r"a basis of shape \(6, r\) is wanted, not \(5, 2\)"),
        (np.ones(6), None, r"not \(6,\)"),
        (np.ones((6, 0)), None, r"not \(6, 0\)"),
        (np.full((6, 2), np.nan), None, "not finite"),
        (np.ones((6, 2)), np.ones(3), r"weights of shape \(2,\) are wanted, not \(3,\)"),
        (np.ones((6, 2)), np.array([1.0, -1.0]), "at least 0"),
        (np.ones((6, 2)), np.zeros(2), "not all 0"),
        (np.ones((6, 2)), np.array([1.0, np.inf]), "not finite"),
    ],
)
def test_a_basis_that_is_none_is_refused(basis, weights, message):
    with pytest.raises(ValueError, match=message):
        make_sampler("dpp", {"kernel": "learned"}).draw(np.random.default_rng(0), 6, 4, basis=basis, weights=weights)


def test_a_kernel_that_takes_no_basis_says_so():
    with pytest.raises(ValueError, match="kernel 'rbf' takes no basis"):
        make_sampler("dpp").draw(np.random.default_rng(0), 6, 4, basis=np.eye(6))


def test_rho_is_how_many_candidates_there_are_for_each_direction(monkeypatch):
    seen = []
    monkeypatch.setattr(dpp, "choose", lambda kernel, count, *_: seen.append(len(kernel)) or np.arange(count))
    dpp.DPP(rho=3).draw(np.random.default_rng(0), 4, 5)
    assert seen == [15]

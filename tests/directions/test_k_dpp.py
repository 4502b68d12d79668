"""Exact k-DPP samples against determinants of every subset, against a second implementation, and at size."""

import time
from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from esmaml_mpi.directions.k_dpp import (
    _with_powers,
    choose,
    choose_eigenvectors,
    choose_items,
    symmetric_polynomials,
)
from esmaml_mpi.directions.kernels import cosine, rbf
from esmaml_mpi.errors import ConfigError

RNG = np.random.default_rng(5)
SPREAD = rbf(RNG.standard_normal((2, 6)), 1.0)


def exact_probabilities(kernel, count):
    """Of each subset of ``count`` items."""
    subsets = list(combinations(range(len(kernel)), count))
    determinants = np.array([np.linalg.det(kernel[np.ix_(s, s)]) for s in subsets])
    return subsets, determinants / determinants.sum()


def frequencies_fit(samples, kernel, count):
    """p-value of a chi-square test; subsets that are expected less than 5 times are counted as one."""
    subsets, probabilities = exact_probabilities(kernel, count)
    place = {subset: i for i, subset in enumerate(subsets)}
    seen = np.bincount([place[tuple(sorted(s.tolist()))] for s in samples], minlength=len(subsets))
    expected = probabilities * len(samples)
    rare = expected < 5
    if rare.any():
        seen, expected = np.append(seen[~rare], seen[rare].sum()), np.append(expected[~rare], expected[rare].sum())
    return stats.chisquare(seen, expected).pvalue


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_frequencies_are_the_determinants(count):
    generator = np.random.default_rng(1)
    samples = [choose(SPREAD, count, generator) for _ in range(6000)]
    if count == 1:
        assert exact_probabilities(SPREAD, 1)[1] == pytest.approx(np.full(6, 1 / 6))
    assert frequencies_fit(samples, SPREAD, count) > 0.01
    if 1 < count < 6:
        # The guard on the guard: uniform subsets must not pass.
        uniform = [generator.choice(6, count, replace=False) for _ in range(6000)]
        assert frequencies_fit(uniform, SPREAD, count) < 1e-6


@pytest.mark.slow
def test_frequencies_with_a_ridge_are_those_of_the_kernel_with_it():
    kernel = cosine(RNG.standard_normal((2, 6)))  # rank 2, and 3 are wanted
    generator = np.random.default_rng(2)
    # Bounds that are far from what any draw gives: another ridge has p < 1e-20 with this many samples.
    samples = [choose(kernel, 3, generator, ridge=0.1) for _ in range(20_000)]
    assert frequencies_fit(samples, kernel + 0.1 * np.eye(6), 3) > 1e-4
    assert frequencies_fit(samples, kernel + 0.3 * np.eye(6), 3) < 1e-6


def test_order_of_the_items_is_random():
    generator = np.random.default_rng(3)
    firsts = np.bincount([choose(SPREAD, 3, generator)[0] for _ in range(4000)], minlength=6)
    subsets, probabilities = exact_probabilities(SPREAD, 3)
    inclusion = np.array([sum(p for s, p in zip(subsets, probabilities, strict=True) if i in s) for i in range(6)])
    assert stats.chisquare(firsts, inclusion / 3 * 4000).pvalue > 0.01


def test_items_agree_with_projection_by_a_new_basis_each_time():
    def by_a_new_basis(vectors, uniforms):
        items = []
        for uniform in uniforms:
            masses = (vectors**2).sum(axis=1)
            item = int(np.searchsorted(np.cumsum(masses), (1 - uniform) * masses.sum()))
            items.append(item)
            pivot = np.argmax(np.abs(vectors[item]))
            vectors = vectors - np.outer(vectors[:, pivot], vectors[item] / vectors[item, pivot])
            vectors = np.linalg.qr(np.delete(vectors, pivot, axis=1))[0]
        return items

    for seed in range(20):
        generator = np.random.default_rng(seed)
        vectors = np.linalg.qr(generator.standard_normal((40, 9)))[0]
        uniforms = generator.random(9)
        assert choose_items(vectors, uniforms).tolist() == by_a_new_basis(vectors, uniforms)


def test_signs_and_rotations_of_the_eigenvectors_do_not_matter():
    vectors = np.linalg.qr(RNG.standard_normal((30, 8)))[0]
    turned = vectors @ np.linalg.qr(RNG.standard_normal((8, 8)))[0]
    uniforms = RNG.random(8)
    expected = choose_items(vectors, uniforms)
    assert np.array_equal(choose_items(vectors * RNG.choice([-1.0, 1.0], 8), uniforms), expected)
    assert np.array_equal(choose_items(turned, uniforms), expected)


def test_scale_of_the_kernel_does_not_matter():
    chosen = [choose(SPREAD * scale, 3, np.random.default_rng(4)).tolist() for scale in (1.0, 2.0**-500, 2.0**500)]
    assert chosen[0] == chosen[1] == chosen[2]


def test_symmetric_polynomials_are_sums_over_subsets():
    values = np.array([0.5, 3.0, 0.0, 1e-8, 40.0])
    found = np.ldexp(*symmetric_polynomials(values, 4))
    for n in range(6):
        for size in range(5):
            total = sum(np.prod(s) for s in combinations(values[:n], size))
            assert found[n, size] == pytest.approx(total, rel=1e-14)


@pytest.mark.parametrize("scale", [2.0**-700, 1.0, 2.0**700])
def test_symmetric_polynomials_have_the_same_bits_with_powers_apart(scale):
    values = np.sort(np.random.default_rng(7).exponential(size=60) * scale)
    values[[0, 20]] = 0.0
    for found, expected in zip(symmetric_polynomials(values, 12), _with_powers(*np.frexp(values), 12), strict=True):
        assert np.array_equal(found, expected)


def test_a_value_that_is_tiny_beside_others_is_not_lost():
    fractions, powers = symmetric_polynomials(np.array([2.0**-600, 2.0**600, 2.0**600]), 3)
    assert (fractions[-1, 3], powers[-1, 3]) == (0.5, 601)


def test_symmetric_polynomials_of_thousands_neither_overflow_nor_vanish():
    def last(value):
        fractions, powers = symmetric_polynomials(np.full(3000, value), 300)
        return np.log2(fractions[-1, 300]) + powers[-1, 300]

    assert last(1e3) == pytest.approx(np.log2(float(comb(3000, 300) >> 600)) + 600 + 300 * np.log2(1e3))
    assert last(1e-9) == pytest.approx(last(1e3) - 300 * np.log2(1e12), rel=1e-12)


@pytest.mark.parametrize("kernel", ["cosine", "identity", "spread"])
def test_another_basis_of_shared_eigenvalues_gives_the_same_choice(kernel, monkeypatch):
    """Another LAPACK may turn the eigenvectors of an eigenvalue among themselves, and has other last bits."""
    points = np.random.default_rng(8).standard_normal((4, 24))
    kernel = {"cosine": cosine(points), "identity": np.eye(24), "spread": rbf(points, 2.0)}[kernel]
    expected = [choose(kernel, 9, np.random.default_rng(seed), 1e-3).tolist() for seed in range(20)]
    eigh, generator = np.linalg.eigh, np.random.default_rng(9)

    def another(matrix):
        values, vectors = eigh(matrix)
        for value in np.unique(np.round(values, 9)):
            same = np.abs(values - value) < 1e-8
            turn = np.linalg.qr(generator.standard_normal((same.sum(),) * 2))[0]
            vectors[:, same] = vectors[:, same] @ turn
        noise = generator.standard_normal(len(values))
        return values + 1e-16 * noise, vectors * (1 + 1e-16 * noise[:, None])

    monkeypatch.setattr(np.linalg, "eigh", another)
    assert [choose(kernel, 9, np.random.default_rng(seed), 1e-3).tolist() for seed in range(20)] == expected


def test_eigenvectors_of_value_zero_are_never_chosen_and_needed_ones_always():
    values = np.array([0.0, 2.0, 0.0, 1e-9, 5.0, 0.0])
    for seed in range(50):
        assert sorted(choose_eigenvectors(values, 3, np.random.default_rng(seed).random(6))) == [1, 3, 4]
    assert sorted(choose_eigenvectors(values, 3, np.full(6, 1 - 2.0**-53))) == [1, 3, 4]


@pytest.mark.parametrize("extreme", [0.0, 1 - 2.0**-53])
def test_no_item_comes_twice_at_the_ends_of_the_uniforms(extreme):
    vectors = np.linalg.qr(RNG.standard_normal((12, 7)))[0]
    assert len(set(choose_items(vectors, np.full(7, extreme)).tolist())) == 7


def test_all_items_if_all_are_wanted():
    assert sorted(choose(SPREAD, 6, np.random.default_rng(0))) == list(range(6))


def test_duplicates_are_never_chosen_together():
    points = RNG.standard_normal((2, 5))
    kernel = rbf(np.hstack([points, points]), 1.0)
    for seed in range(100):
        assert len({i % 5 for i in choose(kernel, 4, np.random.default_rng(seed)).tolist()}) == 4


def test_a_rank_that_is_too_small_is_named():
    kernel = cosine(RNG.standard_normal((3, 20)))
    assert len(choose(kernel, 3, np.random.default_rng(0))) == 3
    with pytest.raises(ConfigError, match=r"choice of 4 directions .* 20 candidates, has rank 3\. Set a ridge"):
        choose(kernel, 4, np.random.default_rng(0))
    assert len(set(choose(kernel, 9, np.random.default_rng(0), ridge=1e-6).tolist())) == 9


@pytest.mark.slow
def test_thousands_of_candidates_in_a_minute():
    kernel = rbf(np.random.default_rng(0).standard_normal((6, 3000)), 5.0)
    start = time.process_time()
    chosen = choose(kernel, 300, np.random.default_rng(1), ridge=1e-6)
    assert time.process_time() - start < 60  # 4 s on a laptop's core; nearly all of it is the decomposition
    assert len(set(chosen.tolist())) == 300
    spread = np.linalg.slogdet(kernel[np.ix_(chosen, chosen)] + 1e-6 * np.eye(300))[1]
    uniform = np.random.default_rng(2).choice(3000, 300, replace=False)
    assert spread > np.linalg.slogdet(kernel[np.ix_(uniform, uniform)] + 1e-6 * np.eye(300))[1] + 100

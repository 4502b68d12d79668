"""Linear algebra of our own against NumPy's, and sums that do not depend on their order."""

import numpy as np
import pytest

from esmaml_mpi.reproducibility import linear_algebra
from esmaml_mpi.reproducibility.linear_algebra import (
    cholesky,
    eigen,
    gram,
    inner,
    lengths,
    product,
    solve_positive,
    times,
)

RNG = np.random.default_rng(6)
WIDE = np.longdouble
SIZES = [1, 2, 3, 8, 21, 64, 65, 150]


def positive(size):
    rows = RNG.standard_normal((size, size + 3))
    return rows @ rows.T + 0.1 * np.eye(size)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 40, 2), (30, 6, 30), (7, 5000, 4), (2, 1, 3)])
def test_products_are_as_exact_as_blas(shape):
    n, k, m = shape
    left, right = RNG.standard_normal((n, k)), RNG.standard_normal((k, m)) * 10.0 ** RNG.integers(-200, 200, m)
    exact = left.astype(WIDE) @ right.astype(WIDE)
    size = np.max(np.abs(left), axis=1, keepdims=True) * np.max(np.abs(right), axis=0)
    assert float((np.abs(product(left, right) - exact) / size / k).max()) < 2.0**-52


def test_products_do_not_depend_on_the_order_of_sums():
    left, right = RNG.standard_normal((9, 700)), RNG.standard_normal((700, 8))
    expected = product(left, right)
    assert not np.array_equal(left @ right, left[:, ::-1] @ right[::-1])  # BLAS does
    for _ in range(5):
        order = RNG.permutation(700)
        assert np.array_equal(product(left[:, order], right[order]), expected)
    assert np.array_equal(product(left[:4], right), expected[:4])
    assert np.array_equal(product(left[:1], right[:, 3:4]), expected[:1, 3:4])


@pytest.mark.parametrize("shape", [(1, 1), (40, 7), (7, 40), (5000, 3)])
def test_products_of_all_pairs_of_columns(shape):
    columns = RNG.standard_normal(shape) * 10.0 ** RNG.integers(-100, 100, shape[1])
    found = gram(columns)
    scale = np.outer(*[np.abs(columns).max(axis=0)] * 2) * len(columns)
    assert np.array_equal(found, found.T) and np.array_equal(gram(columns[RNG.permutation(len(columns))]), found)
    assert (np.abs(found - product(columns.T, columns)) / scale).max() < 2.0**-52


def test_products_with_nothing_in_them():
    assert np.array_equal(product(np.zeros((2, 3)), np.ones((3, 2))), np.zeros((2, 2)))
    assert np.array_equal(product(np.diag([1.0, 0.0]), np.array([[2.0], [3.0]])), [[2.0], [0.0]])


def test_sums_of_vectors():
    matrix, vector = RNG.standard_normal((40, 70)), RNG.standard_normal(70)
    np.testing.assert_allclose(times(matrix, vector), matrix @ vector, rtol=0, atol=1e-13)
    assert inner(vector, vector) == pytest.approx(vector @ vector, rel=1e-14)
    np.testing.assert_allclose(lengths(matrix), np.linalg.norm(matrix, axis=0), rtol=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_positive_systems(size):
    matrix, right = positive(size), RNG.standard_normal(size)
    np.testing.assert_allclose(cholesky(matrix), np.linalg.cholesky(matrix), rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(solve_positive(matrix, right), np.linalg.solve(matrix, right), rtol=1e-8, atol=1e-9)


def test_a_system_that_is_singular_up_to_rounding_has_a_finite_solution():
    rows = RNG.standard_normal((6, 2))
    matrix = rows @ rows.T
    right = matrix @ np.ones(6)
    assert np.isfinite(solve_positive(matrix, right)).all()
    np.testing.assert_allclose(matrix @ solve_positive(matrix, right), right, rtol=1e-6)


@pytest.mark.parametrize("size", [size for size in SIZES if size < 100])
@pytest.mark.parametrize("rank", [None, 3])
def test_eigenvalues(size, rank):
    matrix = positive(size)
    if rank:
        matrix = (rows := RNG.standard_normal((size, rank))) @ rows.T
    values, vectors = eigen(matrix)
    scale = np.abs(matrix).max() * size
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix), rtol=0, atol=1e-14 * scale)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(size), rtol=0, atol=1e-13)
    np.testing.assert_allclose(vectors * values @ vectors.T, matrix, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.eye(3), np.full((5, 5), 2.0), np.diag([1e-300, 1.0, 1e300])])
def test_eigenvalues_of_special_matrices(matrix):
    values, vectors = eigen(matrix)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(matrix)), atol=1e-14)


def test_no_lapack(monkeypatch):
    for name in ("eigh", "solve", "qr", "cholesky", "svd"):
        monkeypatch.setattr(linear_algebra.np.linalg, name, None)
    eigen(positive(5)), solve_positive(positive(5), np.ones(5))

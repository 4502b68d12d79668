"""Orthogonal and Hadamard directions: their angles, their lengths, and what they do to the variance of an estimate."""

import numpy as np
import pytest
from helpers import near
from samplers import draws
from scipy import stats

from esmaml_mpi.directions.hadamard import walsh_hadamard
from esmaml_mpi.reproducibility.linear_algebra import orthonormalize


def cosines(directions):
    """Of the angles between columns, 0 on the diagonal."""
    units = directions / np.linalg.norm(directions, axis=0)
    return units.T @ units - np.eye(units.shape[1])


@pytest.mark.parametrize(("dimension", "count"), [(6, 6), (6, 3), (108, 20), (200, 200)])
def test_directions_of_a_block_are_orthogonal_to_rounding(dimension, count):
    (directions,) = draws("orthogonal", dimension, count, 1)
    assert np.abs(cosines(directions)).max() < 1e-13


@pytest.mark.parametrize("name", ["orthogonal", "hadamard"])
def test_more_directions_than_dimensions_are_independent_blocks(name):
    found = draws(name, 8, 20, 2000)
    within = cosines(found[0])
    for block in (slice(0, 8), slice(8, 16), slice(16, 20)):
        assert np.abs(within[block, block]).max() < 1e-14
    across = np.einsum("rdk,rdl->rkl", found[:, :, :8], found[:, :, 8:])
    assert near(across, 0.0) and near(across**2, 8.0)  # as of independent normals


def test_the_first_direction_is_kept_and_signs_are_those_of_a_positive_diagonal():
    rows = np.random.default_rng(3).standard_normal((5, 7))
    axes = rows.copy()
    orthonormalize(axes)
    r = rows @ axes.T
    assert np.all(np.diag(r) > 0) and np.abs(np.triu(r, 1)).max() < 1e-14
    q, lapack = np.linalg.qr(rows.T)
    np.testing.assert_allclose(axes.T, q * np.sign(np.diag(lapack)), atol=1e-13)


def test_nearly_parallel_rows_end_up_orthogonal():
    rows = np.ones((4, 50)) + 1e-9 * np.random.default_rng(3).standard_normal((4, 50))
    orthonormalize(rows)
    np.testing.assert_allclose(rows @ rows.T, np.eye(4), atol=1e-14)


@pytest.mark.parametrize(("name", "dimension"), [("orthogonal", 6), ("orthogonal", 33), ("hadamard", 8)])
def test_lengths_are_chi_of_the_dimension(name, dimension):
    squares = (draws(name, dimension, 6, 1500) ** 2).sum(axis=1)
    for k in (0, 5):  # the block's first and last: each is a normal vector of its own
        assert stats.kstest(squares[:, k], stats.chi2(dimension).cdf).pvalue > 0.01
    assert stats.kstest(squares[:, 0], stats.chi2(dimension + 2).cdf).pvalue < 1e-6


def test_lengths_of_a_block_are_independent_of_its_axes_and_of_each_other():
    found = draws("orthogonal", 4, 4, 4000)
    lengths = np.linalg.norm(found, axis=1) - np.linalg.norm(found, axis=1).mean(axis=0)
    axes = (found / np.linalg.norm(found, axis=1, keepdims=True)) ** 2 - 1 / 4
    products = lengths[:, :, None] * lengths[:, None, :]
    assert near(products[:, ~np.eye(4, dtype=bool)], 0.0)
    assert near(np.einsum("rk,rdl->rkdl", lengths, axes), 0.0)


@pytest.mark.parametrize("name", ["orthogonal", "hadamard"])
def test_each_coordinate_is_a_standard_normal(name):
    (directions,) = draws(name, 1024, 4, 1)  # Hadamard's are so in many dimensions, not in few
    assert all(stats.kstest(column, "norm").pvalue > 0.01 for column in directions.T)


def test_hadamard_directions_of_a_cut_are_orthogonal_in_part():
    g = draws("hadamard", 48, 5, 4000)  # of 64
    products = np.einsum("rd,rd->r", g[:, :, 0], g[:, :, 1])
    assert near(products, 0.0)
    assert near(products**2, 48 * (64 - 48) / (64 - 1))  # and 48 if they were independent


def test_hadamard_directions_of_a_block_are_no_permutations_of_each_other():
    (g,) = draws("hadamard", 64, 2, 1)
    sizes = np.sort(np.abs(g) / np.linalg.norm(g, axis=0), axis=0)
    assert np.abs(sizes[:, 0] - sizes[:, 1]).max() > 0.01


@pytest.mark.parametrize("size", [1, 2, 8, 64])
def test_fast_transform_is_the_matrix(size):
    matrix = np.array([[1.0]])
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    columns = np.random.default_rng(0).integers(-5, 6, (size, 3)).astype(float)
    expected = matrix @ columns
    walsh_hadamard(columns)
    assert np.array_equal(columns, expected)


@pytest.mark.parametrize("name", ["gaussian", "orthogonal", "hadamard"])
@pytest.mark.parametrize("count", [3, 8])
def test_error_on_a_linear_function_is_the_theoretical_one(name, count):
    dimension = 8
    b = np.random.default_rng(2).standard_normal(dimension)
    b /= np.linalg.norm(b)
    g = draws(name, dimension, count, 8000)
    estimates = np.einsum("rdk,rk->rd", g, np.einsum("d,rdk->rk", b, g)) / count
    errors = ((estimates - b) ** 2).sum(axis=1)
    iid, orthogonal = (dimension + 1) / count, (dimension + 2) / count - 1
    assert near(errors, iid if name == "gaussian" else orthogonal)
    assert not near(errors, orthogonal if name == "gaussian" else iid)

"""H v from queries against the matrix, and the matrix against the formula."""

import tracemalloc

import numpy as np
import pytest

from esmaml_mpi.hessians import matrix, product

SIGMA = 0.1


def problem(dimension, m, seed=0):
    """Directions (m, d), coefficients (m,) and a vector (d,)."""
    rng = np.random.default_rng([seed, dimension, m])
    return rng.standard_normal((m, dimension)), rng.normal(7.0, 1.0, m), rng.standard_normal(dimension)


@pytest.mark.parametrize("dimension, m", [(1, 1), (3, 50), (40, 7), (300, 20)])
def test_matrix_is_the_formula_and_exactly_symmetric(dimension, m):
    directions, coefficients, _ = problem(dimension, m)
    terms = [c * (np.outer(g, g) - np.eye(dimension)) for g, c in zip(directions, coefficients, strict=True)]
    found = matrix(directions, coefficients, SIGMA)
    expected = np.add.reduce(np.array(terms)) / (m * SIGMA**2)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    assert np.array_equal(found, found.T)


@pytest.mark.parametrize("dimension, m", [(1, 1), (3, 50), (40, 7), (300, 20)])
def test_product_is_the_matrix_times_the_vector(dimension, m):
    directions, coefficients, vector = problem(dimension, m)
    expected = matrix(directions, coefficients, SIGMA) @ vector
    found = product(directions, coefficients, vector, SIGMA)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("form", [product, lambda g, c, v, s: matrix(g, c, s)])
def test_directions_may_come_one_at_a_time_in_one_array_and_in_any_layout(form):
    directions, coefficients, vector = problem(40, 7)

    def refilled():
        one = np.empty(40)
        for direction in directions:
            one[...] = direction
            yield one

    expected = form(directions, coefficients, vector, SIGMA)
    assert np.array_equal(form(refilled(), coefficients, vector, SIGMA), expected)
    assert np.array_equal(form(np.asfortranarray(directions), coefficients, vector, SIGMA), expected)


@pytest.mark.parametrize("form", [product, lambda g, c, v, s: matrix(g, c, s)])
@pytest.mark.parametrize("coefficients", [6, 8])
def test_as_many_directions_as_coefficients_are_wanted(form, coefficients):
    directions, _, vector = problem(40, 7)
    with pytest.raises(ValueError):
        form(directions, np.ones(coefficients), vector, SIGMA)


def test_product_changes_none_of_its_arguments():
    given = problem(40, 7)
    product(*given, SIGMA)
    for array, again in zip(given, problem(40, 7), strict=True):
        assert np.array_equal(array, again)


def test_product_needs_a_few_vectors_of_memory_whatever_m_is():
    dimension, one = 20_000, np.empty(20_000)
    for m in (3, 60):
        coefficients, vector, generator = np.ones(m), np.ones(dimension), np.random.default_rng(0)
        tracemalloc.start()
        product((generator.standard_normal(out=one) for _ in range(m)), coefficients, vector, SIGMA)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3 * one.nbytes  # the sum and one scratch vector

"""Sums in fixed point: against exact fractions, in any grouping, at the edges of floats."""

from fractions import Fraction

import numpy as np
import pytest

from esmaml_mpi.native.tails import LARGEST
from esmaml_mpi.reproducibility import fixed_point

D, M = 5, 40


def summed(directions, weights, k, order):
    total = np.zeros(len(directions), dtype=np.int64)
    for i in order:
        fixed_point.add(total, directions[:, i].copy(), weights[i], k)
    return total


def exact(directions, weights):
    return [sum(Fraction(g) * Fraction(w) for g, w in zip(row, weights, strict=True)) for row in directions.tolist()]


@pytest.mark.parametrize("size", [1.0, 1e-9, 3e7, 1e-280, 1e280])
def test_a_sum_is_exact_to_the_rounding_of_its_addends_however_it_is_grouped(size):
    rng = np.random.default_rng(0)
    directions, weights = rng.standard_normal((D, M)), size * rng.standard_normal(M)
    k = fixed_point.exponent(weights, LARGEST)
    whole = summed(directions, weights, k, range(M))
    order = rng.permutation(M)
    parts = [summed(directions, weights, k, part) for part in np.split(order, [1, 7, 30])]
    assert np.array_equal(np.add.reduce(parts, axis=0), whole)
    found = fixed_point.value(whole, k)
    bound = Fraction(LARGEST) * sum(Fraction(abs(w)) for w in weights)
    for value, right in zip(found, exact(directions, weights), strict=True):
        # Each product is rounded as a double and then to a unit, of which the bound has 2**58 at the least.
        products = bound * Fraction(2) ** -53
        assert abs(Fraction(value) - right) <= M * (bound * Fraction(2) ** -60 + Fraction(2) ** -1060) + products


def test_the_largest_sum_there_can_be_fits():
    weights = np.array([1.0, -2.0, 5.0]) / 3
    k = fixed_point.exponent(weights, LARGEST)
    most = summed(np.sign(weights)[None] * LARGEST, weights, k, range(3))
    assert 2**58 < most[0] < 2**62
    assert fixed_point.value(most, k)[0] == pytest.approx(LARGEST * np.abs(weights).sum(), rel=1e-15)


def test_tiny_weights_stop_at_the_edge_of_floats():
    weights = np.full(3, 5e-320)
    k = fixed_point.exponent(weights, LARGEST)
    assert k == fixed_point.MOST
    found = fixed_point.value(summed(np.ones((1, 3)), weights, k, range(3)), k)
    assert found[0] == pytest.approx(1.5e-319, abs=1e-300)


def test_no_weight_is_no_sum():
    assert np.array_equal(
        fixed_point.value(np.zeros(2, dtype=np.int64), fixed_point.exponent(np.zeros(4), 14.0)), [0, 0]
    )

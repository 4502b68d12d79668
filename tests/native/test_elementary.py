"""The project's own tanh, exp, sin, cos and log against those of long double, and where they have no error to make."""

import math
from fractions import Fraction

import numpy as np
import pytest

from esmaml_mpi.native import elementary

RNG = np.random.default_rng(1)
WIDE = np.longdouble
# Double has 53 bits; a reference needs some more.
pytestmark = pytest.mark.skipif(np.finfo(WIDE).nmant < 63, reason="long double is no wider than double here")
RANGES = {
    "tanh": [(0.0, 0.25), (0.2, 0.3), (0.3, 1.0), (1.0, 20.0), (19.0, 400.0)],
    "exp": [(-0.5, 0.5), (-30.0, 30.0), (-708.0, 709.7)],
    "sin": [(-1.6, 1.6), (-30.0, 30.0), (-(2.0**20), 2.0**20)],
    "cos": [(-1.6, 1.6), (-30.0, 30.0), (-(2.0**20), 2.0**20)],
    "log": [(0.9, 1.1), (1 - 1e-9, 1 + 1e-9), (0.0, 2.0), (0.0, 1e-310), (1.0, 1e300)],
}


def largest_error(name, x):
    """Of a function at x, in units of the last place of the result."""
    expected = getattr(np, name)(x.astype(WIDE))
    found = getattr(elementary, name)(x)
    return float((np.abs(found - expected) / np.spacing(np.abs(expected.astype(float)))).max())


@pytest.mark.parametrize(("name", "low", "high"), [(name, *ends) for name, pairs in RANGES.items() for ends in pairs])
def test_errors_are_within_two_and_a_half_units_of_the_last_place(name, low, high):
    assert largest_error(name, RNG.uniform(low, high, 200_000)) <= 2.5


@pytest.mark.parametrize("exponent", [-1000, -60, -30, -20, -10, *range(-9, 5)])
def test_tanh_is_at_its_worst_below_powers_of_two_and_still_within_the_bound(exponent):
    x = math.ldexp(1.0, exponent) * RNG.uniform(0.99, 1.01, 400_000)
    assert largest_error("tanh", np.concatenate([x, -x])) <= 2.5


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_next_to_a_root_keep_their_relative_error(name):
    """sin(x) of an x next to k pi is the difference of the two, to 200 digits of pi."""
    pi = _pi()
    for k in (1, 2, 3, 7, 1000, 12345, 333_333):
        root = k * pi + (Fraction(0) if name == "sin" else pi / 2)
        for step in (-2, 0, 3):
            x = float(root) + step * math.ulp(float(root))
            slope = (-1) ** k * (1 if name == "sin" else -1)
            expected = slope * float(Fraction(x) - root)
            assert abs(getattr(elementary, name)(np.array([x]))[0] - expected) <= 2.5 * math.ulp(expected)


def test_tiny_numbers_are_their_own_hyperbolic_tangents():
    x = np.array([0.0, 5e-324, 1e-323, 1.7e-320, 2.2250738585072014e-308, 1e-300, 1e-20])
    for sign in (1.0, -1.0):
        found = elementary.tanh(sign * x)
        assert np.array_equal(found, sign * x) and np.array_equal(np.signbit(found), np.signbit(sign * x))


def test_ends_of_the_range():
    nothing = np.array([np.inf, -np.inf, np.nan])
    with np.errstate(all="ignore"):
        assert np.array_equal(elementary.tanh(nothing), [1.0, -1.0, np.nan], equal_nan=True)
        assert np.array_equal(elementary.tanh(np.array([1e308, -1e308, 19.1])), [1.0, -1.0, 1.0])
        assert np.array_equal(elementary.exp(nothing), [np.inf, 0.0, np.nan], equal_nan=True)
        found = elementary.exp(np.array([709.9, -745.0, -746.0, -700.0, 0.0, -0.0]))
        assert np.array_equal(found, [np.inf, 5e-324, 0.0, math.exp(-700.0), 1.0, 1.0])
        for name in ("sin", "cos"):
            assert np.isnan(getattr(elementary, name)(nothing)).all()


def test_logarithms_of_one_number_are_those_of_an_array():
    x = np.concatenate([RNG.uniform(0, 3, 1000), 2.0 ** RNG.uniform(-1074, 1023, 1000), [1.0, 5e-324]])
    assert np.array_equal(elementary.log(x), [elementary.log_of(each) for each in x.tolist()])
    ends = elementary.log(np.array([0.0, -0.0, -1.0, np.inf, -np.inf, np.nan]))
    assert np.array_equal(ends, [-np.inf, -np.inf, np.nan, np.inf, np.nan, np.nan], equal_nan=True)


def test_exponentials_below_the_normal_numbers_are_rounded_once():
    x = np.linspace(-745.0, -708.0, 20_000)
    expected = np.exp(x.astype(WIDE))
    assert float((np.abs(elementary.exp(x) - expected) / 5e-324).max()) <= 2.5 * 2.0**52
    small = x[x < -736.0]  # results of few bits: the rounding to them is all of the error
    assert float((np.abs(elementary.exp(small) - np.exp(small.astype(WIDE))) / WIDE(5e-324)).max()) < 0.51


def test_angles_beyond_two_to_the_twenty_are_off_by_no_more_than_their_own_rounding():
    for scale in (1e7, 1e10, 1e15):
        x = scale * RNG.uniform(1.0, 2.0, 1000)
        for name in ("sin", "cos"):
            error = np.abs(getattr(elementary, name)(x) - getattr(np, name)(x.astype(WIDE)))
            assert np.all(error <= np.spacing(x) + 1e-15)
    assert np.all(np.abs(elementary.sin(np.array([1e300, -1e300, 1.7e308]))) <= 1.0)


@pytest.mark.parametrize("name", ["tanh", "exp", "sin", "cos"])
def test_results_go_where_they_are_wanted_and_the_input_is_left_alone(name):
    function, x = getattr(elementary, name), RNG.normal(size=(3, 4, 5))
    kept, out = x.copy(), np.empty(x.shape)
    assert function(x, out) is out and np.array_equal(x, kept) and np.array_equal(out, function(x))
    assert np.array_equal(function(x[:, ::2]), out[:, ::2])  # of a view
    assert function(x, x) is x and np.array_equal(x, out)


def _pi() -> Fraction:
    """By Machin's formula."""
    one = 10**200

    def arctan_of_inverse(n):
        term = total = one // n
        for k in range(3, 320, 2):
            term //= -n * n
            total += term // k
        return total

    return Fraction(4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)), one)

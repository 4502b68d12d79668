"""Sums that come out the same in any order, down to 2**-160 of each addend."""

from fractions import Fraction

import numpy as np
import pytest

from esmaml_mpi.reproducibility.exact_sums import FRACTION_BITS, LARGEST, LIMBS, ratio, to_integer, to_limbs

RNG = np.random.default_rng(3)
# Magnitudes from far below the smallest kept part to the largest allowed, both signs, some exact zeros.
WILD = np.concatenate(
    [
        RNG.choice([-1.0, 1.0], 3000) * RNG.uniform(1, 2, 3000) * 2.0 ** RNG.integers(-200, 125, 3000),
        [0.0, -0.0, 5e-324, -5e-324, np.nextafter(LARGEST, 0), -np.nextafter(LARGEST, 0)],
    ]
)


def truncated(value):
    """What is kept of one addend: an integer multiple of 2**-160, cut off towards zero."""
    return int(Fraction(value) * 2**FRACTION_BITS)


def test_each_value_is_kept_down_to_the_last_bit_of_the_fixed_point():
    assert [to_integer(row) for row in to_limbs(WILD)] == [truncated(value) for value in WILD]


def test_sum_is_the_exact_rational_sum():
    kept = WILD[np.abs(WILD) >= 2.0**-100]  # every bit of such a float is worth at least 2**-152
    total = to_integer(to_limbs(kept).sum(axis=0))
    assert Fraction(total, 2**FRACTION_BITS) == sum(map(Fraction, kept))


def test_sum_does_not_depend_on_order_or_grouping():
    expected = to_limbs(WILD).sum(axis=0)
    assert len({float(np.sum(RNG.permutation(WILD))) for _ in range(5)}) > 1  # a float sum does
    for groups in (2, 3, 17, 301):
        order = RNG.permutation(WILD)
        parts = [to_limbs(part).sum(axis=0) for part in np.array_split(order, groups)]
        assert np.array_equal(sum(parts[1:], start=parts[0]), expected)


def test_cancellation_is_complete():
    both = np.concatenate([WILD, -WILD[::-1]])
    assert to_integer(to_limbs(both).sum(axis=0)) == 0


def test_shape_has_the_limbs_last():
    limbs = to_limbs(WILD[:12].reshape(3, 4))
    assert limbs.shape == (3, 4, LIMBS) and limbs.dtype == np.int64
    assert np.array_equal(limbs[1, 2], to_limbs(WILD[6]))


def test_input_is_left_alone():
    values = WILD.copy()
    to_limbs(values)
    assert np.array_equal(values, WILD)


def test_two_to_the_31_addends_fit_an_int64_limb():
    largest = np.abs(to_limbs(WILD)).max()
    assert 2**31 <= largest < 2**32  # full limbs occur in this sample, and none is wider
    assert int(largest) * 2**31 < 2**63


@pytest.mark.parametrize("value", [LARGEST, -LARGEST, np.inf, -np.inf, np.nan, 1e300])
def test_out_of_range_is_refused(value):
    with pytest.raises(OverflowError, match=r"2\*\*126"):
        to_limbs(np.array([1.0, value, 2.0]))


def test_ratio_is_correctly_rounded():
    for _ in range(200):
        numerator = int(RNG.integers(-(2**62), 2**62)) * 2 ** int(RNG.integers(0, 240)) + int(RNG.integers(2**62))
        denominator = int(RNG.integers(1, 2**40))
        assert ratio(numerator, denominator) == float(Fraction(numerator, denominator * 2**FRACTION_BITS))

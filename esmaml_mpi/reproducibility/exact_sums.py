"""Sums of floats that do not depend on the order or the grouping of the addends.

A float becomes a fixed-point integer of ``LIMBS`` 32-bit limbs, each kept in an int64. Integer addition is
associative, so adding limbs over units, ranks (``MPI_SUM``) and iterations gives the same bits in any order. Range:
abs(x) < 2**126; a part below 2**-160 is cut off, for each addend alone. Up to 2**31 addends fit before a limb could
overflow.
"""

import numpy as np

LIMBS = 9
LIMB_BITS = 32
FRACTION_BITS = 160
LARGEST = 2.0**126


def to_limbs(values: np.ndarray) -> np.ndarray:
    """Limbs (..., LIMBS) int64, least significant first, of float64 values (...).

    Every value must satisfy abs(value) < LARGEST.
    """
    rest = np.array(values, dtype=np.float64)
    if not np.all(np.abs(rest) < LARGEST):
        raise OverflowError(f"exact sums take finite numbers below 2**126 in magnitude, not {rest!r}")
    limbs = np.empty((*rest.shape, LIMBS), dtype=np.int64)
    for i in reversed(range(LIMBS)):
        weight = 2.0 ** (LIMB_BITS * i - FRACTION_BITS)
        digit = np.trunc(rest / weight)  # dividing by a power of two is exact, and so is the subtraction below
        limbs[..., i] = digit
        rest -= digit * weight
    return limbs


def to_integer(limbs: np.ndarray) -> int:
    """The sum that one row of limbs (LIMBS,) stands for, in units of 2**-FRACTION_BITS."""
    return sum(int(limb) << (LIMB_BITS * i) for i, limb in enumerate(limbs))


def ratio(numerator: int, denominator: int) -> float:
    """numerator * 2**-FRACTION_BITS / denominator, correctly rounded."""
    return numerator / (denominator << FRACTION_BITS)

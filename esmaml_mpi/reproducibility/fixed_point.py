"""Weighted sums of vectors that do not depend on the order or the grouping of the addends: fixed point in one int64.

The sum of w_i g_i has a bound that is known before any of it is summed, B = sum |w_i| times the largest |g_i|. Every
addend becomes an integer in units of 2**-k, with k the largest that keeps B below 2**62. Integers add associatively, so
that ranks may sum their own and add up the sums (``MPI_SUM``). Each addend is rounded by half a unit at most: m of them
are wrong by m 2**-62 B at most, about as much as sums of doubles. ``exact_sums`` needs no bound, and more room.
"""

import math

import numpy as np

BITS = 62
MOST = 1000  # of an exponent: 2**MOST is still a float64


def exponent(weights: np.ndarray, largest: float) -> int:
    """k for weights (m,), finite, of vectors whose entries are below ``largest`` in magnitude."""
    # The bound is below 2**(of the first) 2**(of the second); their product might overflow.
    bits = math.frexp(float(np.add.reduce(np.abs(weights))))[1] + math.frexp(largest)[1]
    return min(BITS - bits, MOST)


def add(total: np.ndarray, vector: np.ndarray, weight: float, k: int) -> None:
    """Add weight * vector (d,) to ``total`` (d,) int64; ``vector`` is spent: it is scratch afterwards."""
    np.multiply(vector, math.ldexp(weight, k), out=vector)
    np.rint(vector, out=vector)
    np.add(total, vector, out=total, casting="unsafe", dtype=np.int64)


def value(total: np.ndarray, k: int) -> np.ndarray:
    """The sum (d,) float64 that ``total`` (d,) stands for."""
    return np.ldexp(total.astype(np.float64), -k)

"""Numbers whose squares are not numbers any more: powers of two that bring them back, and change no bit of others.

A double's square is infinite above 1e154 and loses digits below 1e-154. Scaling by a power of two is exact.
"""

import numpy as np

LARGE, SMALL = 2.0**440, 2.0**-440  # sums of squares between them, and of parts of 1e-12 of them, are ordinary


def exponents(values: np.ndarray) -> np.ndarray:
    """Integers e (...) of values (..., n), such that values * 2^-e is of size 1.

    0 where the largest is of ordinary size, is 0, or is not finite.
    """
    largest = np.abs(values).max(axis=-1)
    ordinary = ((largest <= LARGE) & (largest >= SMALL)) | (largest == 0) | ~np.isfinite(largest)
    return np.where(ordinary, 0, np.frexp(largest)[1])


def scaled_by(values: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """values * 2^powers; the same array where all powers are 0."""
    scaled: np.ndarray = np.ldexp(values, powers) if np.any(powers) else values
    return scaled


def length(vector: np.ndarray) -> float:
    """Euclidean norm of a vector (d,), summed by NumPy and not by BLAS, whose order depends on its threads."""
    power = exponents(vector)
    part = scaled_by(vector, -power)
    return float(np.ldexp(np.sqrt(np.add.reduce(part * part)), power))

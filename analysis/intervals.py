"""Intervals over a few seeds that err on the side of no verdict.

At either end they reach as far as the farther of two at 95 %: the bootstrap's (bootstrap.py), which over few seeds
stays between the extreme values and is then less sure than it says, and Welch's, which is exact where values are
normal.
"""

import bootstrap
import numpy as np
import significance
from scipy.special import stdtrit


def of_mean(values: np.ndarray) -> tuple[float, float]:
    """Of the mean of values (n,); nan where n < 2."""
    return _wider(bootstrap.interval(values), welch(values, np.zeros(2)))


def of_difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Of mean(a) - mean(b) of independent values (n,) and (m,); nan where n or m < 2."""
    return _wider(bootstrap.difference_interval(a, b), welch(a, b))


def welch(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Of mean(a) - mean(b) by Student's t with Welch's degrees of freedom; nan where a side has one value."""
    if min(len(a), len(b)) < 2:
        return float("nan"), float("nan")
    centre, test = float(a.mean() - b.mean()), significance.welch(a, b)
    error = np.sqrt(significance.variance(a) / len(a) + significance.variance(b) / len(b))
    reach = float(error * stdtrit(test.freedom, (1 + bootstrap.LEVEL) / 2)) if error > 0 else 0.0
    return centre - reach, centre + reach


def _wider(one: tuple, other: tuple) -> tuple[float, float]:
    low, high = np.array([one, other], dtype=float).T
    return float(low.min()), float(high.max())

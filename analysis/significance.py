"""Tests of whether two sets of seeds differ, and what so few seeds can tell at all."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

MOST_SPLITS = 200_000  # all ways to split 10 + 10 seeds; of more, as many are drawn


@dataclass(frozen=True)
class Welch:
    """Welch's t test of equal means, two-sided: exact where values are normal. nan where a variance is not known."""

    t: float
    freedom: float
    p: float


def welch(a: np.ndarray, b: np.ndarray) -> Welch:
    """The test of values (n,) against (m,)."""
    n, m = len(a), len(b)
    nothing = float("nan")
    if min(n, m) < 2:
        return Welch(nothing, nothing, nothing)
    squares = np.array([variance(a) / n, variance(b) / m])
    if not squares.any():
        return Welch(nothing, nothing, nothing)
    t = float((a.mean() - b.mean()) / np.sqrt(squares.sum()))
    freedom = float(squares.sum() ** 2 / (squares**2 / [n - 1, m - 1]).sum())
    return Welch(t, freedom, float(2 * stdtr(freedom, -abs(t))))


def variance(values: np.ndarray) -> float:
    """Of a sample (n,), n > 1; exactly 0 where all are equal, which rounding of their mean would hide."""
    return float(values.var(ddof=1)) if np.ptp(values) > 0 else 0.0


def permutation(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p of the difference of means, if which values are ``a`` were chance: no normality is assumed.

    Every split of the values counts, or, of more than MOST_SPLITS, as many drawn at random with the same key always.
    """
    n, both = len(a), np.concatenate([a, b])
    if not 0 < n < len(both):
        return float("nan")
    if math.comb(len(both), n) <= MOST_SPLITS:
        chosen = np.array(list(itertools.combinations(range(len(both)), n)))
        more, splits = 0, len(chosen)
    else:
        generator = np.random.Generator(np.random.Philox(key=[n, len(both)]))
        chosen = generator.permuted(np.tile(np.arange(len(both)), (MOST_SPLITS, 1)), axis=1)[:, :n]
        more, splits = 1, MOST_SPLITS + 1  # the split at hand is one of them
    # The mean of the others follows from the sum of these, so the distance of the sum from its mean orders all splits.
    distance = np.abs(both[chosen].sum(axis=1) - n * both.mean())
    least = abs(a.sum() - n * both.mean())
    slack = 1e-9 * np.abs(both).max()  # equal splits must not differ by rounding
    return float((np.count_nonzero(distance >= least - slack) + more) / splits)


def smallest(n: int, m: int) -> float:
    """The smallest p that ``permutation`` can give n against m seeds: one split of all, or with n = m it and its mirror
    image.
    """
    splits = math.comb(n + m, n)
    if splits > MOST_SPLITS:
        return 1 / (MOST_SPLITS + 1)
    return min(1.0, (2 if n == m else 1) / splits) if min(n, m) else float("nan")


def hedges_g(a: np.ndarray, b: np.ndarray) -> float:
    """Difference of means in pooled standard deviations, corrected for few values (Hedges 1981).

    nan without spread, or with fewer than four values, from which it cannot be told.
    """
    freedom = len(a) + len(b) - 2
    if freedom < 2 or min(len(a), len(b)) < 1 or not max(np.ptp(a), np.ptp(b)) > 0:
        return float("nan")
    pooled = np.sqrt((((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / freedom)
    return float((1 - 3 / (4 * freedom - 1)) * (a.mean() - b.mean()) / pooled)


def hedges_g_one(a: np.ndarray) -> float:
    """Mean in standard deviations, corrected for few values; nan without spread or with fewer than three of them."""
    freedom = len(a) - 1
    if freedom < 2 or not (spread := variance(a) ** 0.5) > 0:
        return float("nan")
    return float((1 - 3 / (4 * freedom - 1)) * a.mean() / spread)


def least_effect(n: int, level: float) -> float:
    """Hedges' g from which on Welch's p of n > 1 values against n, equally spread, is at most ``level``."""
    freedom = 2 * (n - 1)
    return float((1 - 3 / (4 * freedom - 1)) * stdtrit(freedom, 1 - level / 2) * math.sqrt(2 / n))


def equivalence(a: np.ndarray, b: np.ndarray, margin: float) -> float:
    """p of the larger of two one-sided Welch tests, that means differ by -margin or less and by margin or more: small
    if they are equal within it (Schuirmann 1987). nan where a variance is not known.
    """
    low, high = welch(a + margin, b), welch(a - margin, b)
    return float(max(stdtr(low.freedom, -low.t), stdtr(high.freedom, high.t)))


def holm(ps: np.ndarray) -> np.ndarray:
    """p values (k,) adjusted for being k at once (Holm 1979); nan stays nan and is not counted."""
    adjusted = np.full(len(ps), np.nan)
    known = np.flatnonzero(~np.isnan(ps))
    order = known[np.argsort(ps[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(ps[order] * factors))
    return adjusted

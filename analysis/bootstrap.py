"""Bootstrap intervals of means and of differences of means over a few seeds.

Percentiles of resampled means are too narrow where there are few values: a resample of n has n - 1 over n of the
variance, and the normal's tails, not Student's. The percentiles are therefore moved out to where Student's t would have
them (Hesterberg 2015, "What teachers should know about the bootstrap", The American Statistician 69, section 5.3).

Random numbers are keyed by the number of values alone: the same values, in the same order, have the same interval in
every figure and table.
"""

import numpy as np
from scipy.special import ndtr, stdtrit
from significance import variance

LEVEL = 0.95
RESAMPLES = 10_000
COLUMNS = 256  # resampled together, about 20 MB


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge of an interval of the mean over the first axis of (n,) or (n, R); nan where n < 2."""
    n = len(values)
    edges = np.full((2, *values.shape[1:]), np.nan)
    if n < 2:
        return edges[0], edges[1]
    tail = _tail(level, n - 1, np.sqrt(n / (n - 1)))
    shares = _shares(n, 0)
    flat, out = values.reshape(n, -1), edges.reshape(2, -1)
    for start in range(0, flat.shape[1], COLUMNS):
        part = slice(start, start + COLUMNS)
        out[:, part] = np.quantile(shares @ flat[:, part], [tail, 1 - tail], axis=0)
    return edges[0], edges[1]


def difference_interval(a: np.ndarray, b: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Interval of mean(a) - mean(b) of independent values (n,) and (m,); nan where n or m < 2."""
    n, m = len(a), len(b)
    if min(n, m) < 2:
        return float("nan"), float("nan")
    squares = np.array([variance(a) / n, variance(b) / m])  # squared standard errors
    if not squares.any():
        return float(a.mean() - b.mean()), float(a.mean() - b.mean())
    freedom = squares.sum() ** 2 / (squares**2 / [n - 1, m - 1]).sum()
    resampled = (squares * [(n - 1) / n, (m - 1) / m]).sum()
    tail = _tail(level, freedom, np.sqrt(squares.sum() / resampled))
    low, high = np.quantile(_shares(n, 0) @ a - _shares(m, 1) @ b, [tail, 1 - tail])
    return float(low), float(high)


def most_confidence(seeds: int) -> float:
    """How sure any interval can be that stays between the smallest and the largest of n values, as these do.

    Of a symmetric distribution all n values are on one side of the centre with probability 2^(1 - n).
    """
    return 1 - 2.0 ** (1 - seeds)


def _tail(level: float, freedom: float, ratio: float) -> float:
    """Share of resampled means beyond each edge; ``ratio``: true over resampled standard error."""
    return float(ndtr(ratio * stdtrit(freedom, (1 - level) / 2)))


def _shares(n: int, which: int) -> np.ndarray:
    """How much of each resample is each of the n values, (RESAMPLES, n)."""
    generator = np.random.Generator(np.random.Philox(key=[n, which]))
    return generator.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n

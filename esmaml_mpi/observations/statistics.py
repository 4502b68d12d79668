"""Running mean and standard deviation of observations, identical at any number of ranks.

The policy sees (s - mean) / std (Song et al. 2020, section A.6: state normalisation). Statistics cover every training
rollout of all earlier iterations and are frozen within an iteration.
"""

import math
from collections.abc import Mapping

import numpy as np

from esmaml_mpi.reproducibility.exact_sums import FRACTION_BITS, LIMB_BITS, ratio, to_integer

# A standard deviation below this fraction of the root mean square is rounding, not signal: the dimension is left
# unscaled.
ZERO_STD = 1e-6
STORED_LIMBS = 16  # enough for any run: 2**192 times the largest addend


class ObservationStatistics:
    """Exact running sums of n-dimensional observations and of their squares."""

    def __init__(self, size: int):
        self.size = size
        self.count = 0
        self.sums = [0] * (2 * size)  # fixed-point integers: n sums, then n sums of squares

    def add(self, count: int, limbs: np.ndarray) -> None:
        """Add ``count`` observations given as limbs (2n, LIMBS): sums, then sums of squares."""
        self.count += int(count)
        self.sums = [total + to_integer(row) for total, row in zip(self.sums, limbs, strict=True)]

    def mean_std(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and population standard deviation, each (n,); (0, 1) before any observation, std 1 where it is zero."""
        mean, std = np.zeros(self.size), np.ones(self.size)
        if self.count == 0:
            return mean, std
        for i in range(self.size):
            total, squares = self.sums[i], self.sums[self.size + i]
            mean[i] = ratio(total, self.count)
            # E[s^2] - E[s]^2 over integers, so that nothing cancels before the one rounding at the end.
            spread = squares * self.count * (1 << FRACTION_BITS) - total * total
            variance = spread / ((self.count << FRACTION_BITS) ** 2)
            if variance > ZERO_STD**2 * ratio(squares, self.count):
                std[i] = math.sqrt(variance)
        return mean, std

    @classmethod
    def from_moments(cls, count: int, mean: np.ndarray, std: np.ndarray) -> "ObservationStatistics":
        """Sums of ``count`` observations that have this mean and standard deviation (n,), but for roundings."""
        statistics = cls(len(mean))
        statistics.count = count
        moments = [float(m).as_integer_ratio() for m in mean]
        squares = []
        for (m, of), s in zip(moments, (float(s).as_integer_ratio() for s in std), strict=True):
            squares.append(((s[0] * of) ** 2 + (m * s[1]) ** 2, (of * s[1]) ** 2))
        statistics.sums = [(m * count << FRACTION_BITS) // of for m, of in (*moments, *squares)]
        return statistics

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint: ``count`` () int64 and ``sums`` (2n, STORED_LIMBS) int64."""
        limbs = np.zeros((2 * self.size, STORED_LIMBS), dtype=np.int64)
        for row, total in zip(limbs, self.sums, strict=True):
            sign, rest = (-1, -total) if total < 0 else (1, total)
            for i in range(STORED_LIMBS):
                row[i] = sign * (rest & (2**LIMB_BITS - 1))
                rest >>= LIMB_BITS
        return {"count": np.int64(self.count), "sums": limbs}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "ObservationStatistics":
        """Inverse of ``to_arrays``."""
        statistics = cls(len(arrays["sums"]) // 2)
        statistics.add(int(arrays["count"]), arrays["sums"])
        return statistics

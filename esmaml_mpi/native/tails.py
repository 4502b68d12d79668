"""Standard normals with the same bits on every processor, of which the tails are no longer NumPy's.

NumPy draws them by a ziggurat (Marsaglia and Tsang 2000; Doornik 2005). All but 1 in 3,800 are products of an integer
and a constant, which no processor rounds otherwise. Those beyond ``START`` hold a logarithm of the C library, which
has other last bits where the processor fuses products with sums (newer releases of glibc): they are made again, from
the same bits of the stream and with a logarithm of our own. What is left is the comparison with an exponential in one
draw of 150: it turns out otherwise on another processor about once in 10^18 draws. ``source/normals.c`` does the same.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from esmaml_mpi.native.elementary import log, log_of

START = 3.6541528853610087963519472518  # of the tail
SCALE = 0.27366123732975827203338247596  # 1 / START
LARGEST = 14.0  # above any normal: START + SCALE log(2**53) = 13.7, for a uniform number is a multiple of 2**-53
NEAR = 1e-12  # further from NumPy's number is no rounding


class Generator(np.random.Generator):
    """NumPy's generator but for last bits of ``standard_normal`` and ``uniform``, and for all of ``chisquare``."""

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: np.ndarray | None = None) -> Any:
        """See NumPy; float64 alone."""
        before = self.bit_generator.state
        found = super().standard_normal(size, dtype, out)
        if size is None and out is None:
            if abs(found) <= START:
                return found
            found = np.array(found)
            return self._again(before, found).item()
        return self._again(before, found) if has_tail(found) else found

    def _again(self, before: Any, found: np.ndarray) -> np.ndarray:
        def begin() -> np.random.Generator:
            self.bit_generator.state = before
            return np.random.Generator(self.bit_generator)

        correct_tails(found, begin)
        return found

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """See NumPy, whose product and sum a compiler may fuse."""
        low, high = np.asarray(low), np.asarray(high)
        shape = np.broadcast_shapes(low.shape, high.shape) if size is None else size
        found = low + (high - low) * self.random(shape)
        return found if np.ndim(found) else float(found)

    def chisquare(self, df: Any, size: Any = None) -> Any:
        """Chi-squared numbers (size,) of ``df`` degrees of freedom, an integer.

        Marsaglia and Tsang 2000, "A simple method for generating gamma variables", for shape df / 2 and scale 2.
        """
        if df == 1:
            return self.standard_normal(size) ** 2
        shape = df / 2 - 1 / 3
        found = np.empty(size)
        left = np.arange(size)
        while left.size:
            x, uniform = self.standard_normal(left.size), 1.0 - self.random(left.size)
            root = 1.0 + x / np.sqrt(9.0 * shape)
            cube = root * root * root
            positive = np.maximum(cube, np.finfo(float).tiny)
            taken = (cube > 0) & (log(uniform) < 0.5 * x * x + shape * (1.0 - cube + log(positive)))
            found[left[taken]] = 2.0 * shape * cube[taken]
            left = left[~taken]
        return found


def has_tail(normals: np.ndarray) -> bool:
    """Whether any of NumPy's normals has to be made again."""
    return bool(normals.size and (normals.max() > START or normals.min() < -START))


def correct_tails(normals: np.ndarray, begin: Callable[[], np.random.Generator]) -> None:
    """Make those in the tail again, in place; NumPy's generator is left behind the last one.

    A NumPy that draws in another way keeps its own numbers.
    """
    flat = normals.reshape(-1)
    generator, start = begin(), 0
    for place in np.flatnonzero(np.abs(flat) > START).tolist():
        generator.standard_normal(out=flat[start:place])  # the same ones again, to get to the place
        found = _tail(generator)
        if not abs(found - flat[place]) < NEAR:
            begin().standard_normal(out=flat)
            return
        flat[place], start = found, place + 1
    generator.standard_normal(out=flat[start:])


def _tail(generator: np.random.Generator) -> float:
    """The next normal of a stream, given that it is in the tail: START and an exponential, by rejection."""
    word = int(generator.integers(0, 2**64, dtype=np.uint64))
    while word & 0xFF:  # another layer, which did not take its number
        generator.random()
        word = int(generator.integers(0, 2**64, dtype=np.uint64))
    while True:
        beyond, height = (-log_of(1.0 - generator.random()) for _ in range(2))  # the differences are exact
        beyond *= SCALE
        if height + height > beyond * beyond:
            return -(START + beyond) if word >> 17 & 1 else START + beyond

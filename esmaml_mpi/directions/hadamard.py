"""Random Hadamard directions: nearly what ``orthogonal.py`` draws, at O(d log d) a direction.

Choromanski et al. 2018 (structured evolution) and Yu et al. 2016 (structured orthogonal random features).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hadamard:
    """Columns of S H D'H D H / p, cut to the first d of p = 2^m >= d coordinates and given random lengths.

    H is the Hadamard matrix; S, D and D' are diagonals of random signs. With one H every direction would be a corner of
    the cube +-1, and g' A g the trace of A wherever A is diagonal; with two, directions would be permutations of one
    another. The length is chi(p) before the cut, since that is what makes a Haar direction of p dimensions N(0, I) in
    the first d.

    E g g^T = I exactly and odd moments vanish, but a direction is not exactly normal: E g_a^4 = 3 - 8 / p^2 + 8 / p^3
    and E g_a^2 g_b^2 = 1 + 8 / p^3. Estimates are unbiased for linear and quadratic f and nearly so for others.
    Directions of one block, at most p, are orthogonal before the cut: exactly in the end if d = p; if not, the variance
    of their products is about (p - d) / (p - 1) of that of independent ones.
    """

    uses_basis = False

    def check(self, dimension: int, count: int) -> None:
        """Anything can be drawn."""

    def draw(self, generator: np.random.Generator, dimension: int, count: int) -> np.ndarray:
        """See ``Sampler``."""
        padded = 1 << (dimension - 1).bit_length()
        directions = np.empty((dimension, count))
        for start in range(0, count, padded):
            block = directions[:, start : start + padded]
            block[:] = _block(generator, padded, block.shape[1])[:dimension]
        return directions


def _block(generator: np.random.Generator, size: int, count: int) -> np.ndarray:
    """(size, count) mutually orthogonal directions, count <= size."""
    columns = generator.choice(size, count, replace=False)
    inner, middle, outer = 1.0 - 2.0 * generator.integers(0, 2, (3, size))
    lengths = np.sqrt(generator.chisquare(size, count))
    parity = np.bitwise_count(np.arange(size)[:, None] & columns) & 1  # H_ij = (-1)^(bits that i and j share)
    block: np.ndarray = np.where(parity, -inner[:, None], inner[:, None])
    walsh_hadamard(block)
    block *= middle[:, None]
    walsh_hadamard(block)
    block *= outer[:, None]
    block *= lengths / np.sqrt(size) / size
    return block


def walsh_hadamard(columns: np.ndarray) -> None:
    """H x in place for each column x of (2^m, n); H is symmetric with entries +-1, and H H = 2^m I."""
    size = columns.shape[0]
    half = 1
    while half < size:
        pairs = columns.reshape(size // (2 * half), 2, half, -1)
        low, high = pairs[:, 0], pairs[:, 1]
        low += high
        high *= -2.0
        high += low
        half *= 2

"""Exact samples of a k-DPP: subsets S of k of n items with probability det(L_S) / e_k, e_k the sum over all subsets.

Kulesza and Taskar 2012, "Determinantal point processes for machine learning", section 5.2: choose k eigenvectors of L,
then k items from the projection onto their span.
"""

import itertools
import math

import numpy as np

from esmaml_mpi.errors import ConfigError

SHARED = 1e-9  # eigenvalues closer than this, relative to the largest, are one
LOWEST = np.int32(-(2**30))  # power of a sum that is 0
SMALL = 2.0**-900  # sums above this are exact to the last bits, whatever parts of theirs were too small for float64


def choose(kernel: np.ndarray, count: int, generator: np.random.Generator, ridge: float = 0.0) -> np.ndarray:
    """Indices (count,) of items, in random order, for the symmetric kernel (n, n) plus ridge times I; O(n^3).

    Eigenvalues that are 0 up to rounding, or negative, count as 0. ConfigError if fewer than ``count`` are left.
    What comes out is a choice, and rounding enters by comparisons with random numbers alone. LAPACK's last bits differ
    between processors, so one of them chooses other items about once in 10^10 draws, or more rarely.
    """
    values, vectors = _eigenvectors(kernel)
    values = np.where(values > len(values) * np.finfo(float).eps * np.abs(values).max(), values, 0.0) + ridge
    rank = np.count_nonzero(values)
    if rank < count:
        raise ConfigError(
            f"a determinantal choice of {count} directions needs a kernel of that rank; this one, of {len(values)} "
            f"candidates, has rank {rank}. Set a ridge above 0, or use a shorter length or fewer directions."
        )
    uniforms = generator.random(len(values) + count)
    chosen = choose_eigenvectors(values, count, uniforms[count:])
    return choose_items(vectors[:, chosen], uniforms[:count])


def _eigenvectors(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of ``numpy.linalg.eigh``, but of an eigenvalue that several share a basis that does not depend on LAPACK.

    Signs do not matter, as only projections enter. A basis of the space of a shared eigenvalue is made of its
    projections of fixed random vectors, which are the same up to rounding.
    """
    values, vectors = np.linalg.eigh(kernel)
    apart = np.flatnonzero(np.diff(values) > SHARED * np.abs(values).max()) + 1
    for start, stop in itertools.pairwise([0, *apart.tolist(), len(values)]):
        if stop - start > 1:
            space, shape = vectors[:, start:stop], (len(values), stop - start)
            generic = np.random.Generator(np.random.Philox(key=stop - start)).standard_normal(shape)
            base, upper = np.linalg.qr(space @ (space.T @ generic))
            vectors[:, start:stop] = base * np.where(np.diagonal(upper) < 0, -1.0, 1.0)
    return values, vectors


def symmetric_polynomials(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """e_l(first n values) at [n, l], (len + 1, count + 1), as fractions in [0.5, 1) or 0, and powers of two.

    By e_l(n) = e_l(n - 1) + value_n e_(l - 1)(n - 1). The powers stand apart, as e_300 of 3000 values can exceed 1e700.
    """
    parts, exponents = np.frexp(values)
    scale = int(np.max(exponents))
    scaled = np.ldexp(values, -scale)
    table = np.zeros((len(values) + 1, count + 1))
    table[:, 0] = 1.0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for size in range(1, count + 1):
            np.cumsum(scaled * table[:-1, size - 1], out=table[1:, size])
    # Sums of as many values as are not 0 are themselves not 0.
    present = np.concatenate([[0], np.cumsum(values > 0)])[:, None] >= np.arange(count + 1)
    if not np.all(np.isfinite(table) & ((table > SMALL) == present)):
        return _with_powers(parts, exponents, count)
    fractions, powers = np.frexp(table)
    return fractions, np.where(table == 0, LOWEST, powers + scale * np.arange(count + 1, dtype=np.int32))


def _with_powers(parts: np.ndarray, exponents: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """``symmetric_polynomials`` of values 2^exponent part where float64 has too few exponents."""
    fractions = np.zeros((len(parts) + 1, count + 1))
    powers = np.full(fractions.shape, LOWEST)
    fractions[:, 0], powers[:, 0] = np.frexp(1.0)
    for n, (fraction, power) in enumerate(zip(parts, exponents, strict=True), start=1):
        added, raised = fraction * fractions[n - 1, :-1], power + powers[n - 1, :-1]
        common = np.maximum(powers[n - 1, 1:], raised)
        total = np.ldexp(fractions[n - 1, 1:], powers[n - 1, 1:] - common) + np.ldexp(added, raised - common)
        fractions[n, 1:], more = np.frexp(total)
        powers[n, 1:] = np.where(total == 0, LOWEST, common + more)
    return fractions, powers


def choose_eigenvectors(values: np.ndarray, count: int, uniforms: np.ndarray) -> np.ndarray:
    """Indices (count,) of a set J with probability prod of its values / e_count; uniforms (len,) in [0, 1)."""
    fractions, powers = (table.tolist() for table in symmetric_polynomials(values, count))
    chosen: list[int] = []
    for n in range(len(values), 0, -1):
        left, value = count - len(chosen), float(values[n - 1])
        if left == 0:
            break
        if value == 0.0:
            continue
        # 1 where all that remain are needed: then e_left(n) is the product that is compared with it.
        shift = powers[n - 1][left - 1] - powers[n][left]
        if n == left or uniforms[n - 1] < math.ldexp(value * fractions[n - 1][left - 1] / fractions[n][left], shift):
            chosen.append(n - 1)
    return np.array(chosen, dtype=int)


def choose_items(vectors: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Items (k,) of the projection DPP onto orthonormal vectors (n, k); uniforms (k,) in [0, 1).

    Each item has probability (squared length of its row of V) / (items left), rows being projected away from those of
    the items before. Cholesky steps on V V^T do that in O(n k) an item, without a new basis each time.
    """
    total, count = vectors.shape
    masses = np.add.reduce(vectors * vectors, axis=1)
    rows = np.empty((2 * count, total))  # V^T, and the steps, which are taken off
    rows[:count] = vectors.T
    signs = np.repeat([1.0, -1.0], count)
    items = np.empty(count, dtype=int)
    for i, uniform in enumerate(uniforms):
        sums = np.cumsum(masses)
        # 1 - uniform is in (0, 1]: the first sum that reaches it has mass of its own, so no item comes twice.
        item = items[i] = np.searchsorted(sums, (1.0 - uniform) * sums[-1])
        before = rows[: count + i]
        step = np.add.reduce(before * (before[:, item] * signs[: count + i])[:, None], axis=0)
        step /= math.sqrt(masses[item])
        rows[count + i] = step
        step *= step
        masses = np.maximum(masses - step, 0.0)
        masses[item] = 0.0
    return items

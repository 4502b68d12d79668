"""Exact samples of a k-DPP: subsets S of k of n items with probability det(L_S) / e_k, e_k the sum over all subsets.

Kulesza and Taskar 2012, "Determinantal point processes for machine learning", section 5.2: choose k eigenvectors of L,
then k items from the projection onto their span.
"""

import numpy as np

from esmaml_mpi.errors import ConfigError


def choose(kernel: np.ndarray, count: int, generator: np.random.Generator, ridge: float = 0.0) -> np.ndarray:
    """Indices (count,) of items, in random order, for the symmetric kernel (n, n) plus ridge times I; O(n^3).

    Eigenvalues that are 0 up to rounding, or negative, count as 0. ConfigError if fewer than ``count`` are left.
    The same numbers whichever signs the eigenvectors have: only projections enter.
    """
    values, vectors = np.linalg.eigh(kernel)
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


def log_symmetric_polynomials(values: np.ndarray, count: int) -> np.ndarray:
    """log e_l(first n values) at [n, l], (len + 1, count + 1).

    By e_l(n) = e_l(n - 1) + value_n e_(l - 1)(n - 1). In logarithms, as e_300 of 3000 values can exceed 1e700.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(values)
    table = np.full((len(values) + 1, count + 1), -np.inf)
    table[:, 0] = 0.0
    for n, log in enumerate(logs, start=1):
        np.logaddexp(table[n - 1, 1:], log + table[n - 1, :-1], out=table[n, 1:])
    return table


def choose_eigenvectors(values: np.ndarray, count: int, uniforms: np.ndarray) -> np.ndarray:
    """Indices (count,) of a set J with probability prod of its values / e_count; uniforms (len,) in [0, 1)."""
    table = log_symmetric_polynomials(values, count)
    chosen: list[int] = []
    for n in range(len(values), 0, -1):
        left = count - len(chosen)
        if left == 0:
            break
        if values[n - 1] == 0.0:
            continue
        # Exactly 1 where all that remain are needed: then e_left(n) is the product that is compared with it.
        share = np.exp(np.log(values[n - 1]) + table[n - 1, left - 1] - table[n, left])
        if n == left or uniforms[n - 1] < share:
            chosen.append(n - 1)
    return np.array(chosen, dtype=int)


def choose_items(vectors: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Items (k,) of the projection DPP onto orthonormal vectors (n, k); uniforms (k,) in [0, 1).

    Each item has probability (squared length of its row of V) / (items left), rows being projected away from those of
    the items before. Cholesky steps on V V^T do that in O(n k) an item, without a new basis each time.
    """
    total, count = vectors.shape
    masses = np.einsum("nk,nk->n", vectors, vectors)
    steps = np.empty((total, count))
    items = np.empty(count, dtype=int)
    for i, uniform in enumerate(uniforms):
        sums = np.cumsum(masses)
        # 1 - uniform is in (0, 1]: the first sum that reaches it has mass of its own, so no item comes twice.
        item = items[i] = np.searchsorted(sums, (1.0 - uniform) * sums[-1])
        steps[:, i] = vectors @ vectors[item] - steps[:, :i] @ steps[item, :i]
        steps[:, i] /= np.sqrt(masses[item])
        masses = np.maximum(masses - steps[:, i] ** 2, 0.0)
        masses[item] = 0.0
    return items

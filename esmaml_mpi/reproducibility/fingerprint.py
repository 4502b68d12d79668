"""Whether machines compute the same bits.

What is ours does on any processor, given the same libraries. What libraries compute on their own, such as MuJoCo, JAX
and SciPy's solvers, depends on the instructions that they choose, and on the order of their sums.
"""

import hashlib
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from esmaml_mpi.native import door
from esmaml_mpi.native.tails import Generator
from esmaml_mpi.reproducibility.linear_algebra import eigen, gram, product, solve_positive

GENERATION = 3  # one more whenever the program's own arithmetic changes: the same configuration gives other bits then


def fingerprint(libraries: bool = True) -> str:
    """12 hexadecimal digits of what this process makes of a fixed computation, in a few milliseconds.

    Without ``libraries`` of what is ours alone. Machines of other fingerprints differ in last bits; those of the same
    one may still, in what is not tried.
    """
    generator = Generator(np.random.PCG64(7))
    matrix, vector = generator.standard_normal((37, 37)), generator.standard_normal(1001)
    digest = hashlib.blake2b(digest_size=6, salt=GENERATION.to_bytes(1, "little"))
    for parts in (_ours, _theirs)[: 1 + libraries]:
        for each in parts(matrix, vector):
            digest.update(np.ascontiguousarray(each, dtype=float).tobytes())
    return digest.hexdigest()


def _ours(matrix: np.ndarray, vector: np.ndarray) -> Iterator[ArrayLike]:
    """Random numbers, sums, elementary functions and linear algebra as tasks, policies and estimates use them."""
    yield vector
    yield [np.add.reduce(vector), np.add.reduce(vector * vector)]
    yield from (np.add.reduce(matrix, axis=0), np.sqrt(np.abs(vector)))
    yield from (f(vector) for f in (door.tanh, door.exp, door.sin, door.cos, door.log))
    products = gram(matrix)
    yield from (products, product(matrix, matrix), solve_positive(products, vector[:37]), *eigen(products[:5, :5]))


def _theirs(matrix: np.ndarray, vector: np.ndarray) -> Iterator[ArrayLike]:
    """The same by BLAS, LAPACK, NumPy and the C library."""
    batch = vector[:180].reshape(5, 9, 4)
    yield from (*np.linalg.eigh(matrix @ matrix.T), *np.linalg.qr(matrix), np.linalg.solve(matrix, matrix[0]))
    yield np.linalg.svd(matrix)[1]
    yield from (matrix @ matrix, matrix @ matrix[0], vector @ vector, batch @ batch.transpose(0, 2, 1))
    yield np.einsum("i,i->", vector, vector)
    yield from (f(np.abs(vector)) for f in (np.tanh, np.exp, np.log, np.sin, np.cos))
    yield np.arctan2(vector, vector[::-1])
    for x in vector[:50]:
        yield [f(x) for f in (math.sin, math.cos, math.exp, math.tanh, math.atan)]

"""Whether machines compute the same bits: on other processors, libraries use other instructions and orders of sums."""

import hashlib
import math

import numpy as np
from numpy.typing import ArrayLike

GENERATION = 2  # one more whenever the program's own arithmetic changes: the same configuration gives other bits then


def fingerprint() -> str:
    """12 hexadecimal digits of what this process makes of a fixed computation, in about a millisecond.

    Matrix products, decompositions, sums and elementary functions, by NumPy and by the C library, as tasks and policies
    use them. Machines of other fingerprints differ in last bits; those of the same one may still, in what is not tried.
    """
    generator = np.random.Generator(np.random.PCG64(7))
    matrix, batch = generator.standard_normal((37, 37)), generator.standard_normal((5, 9, 4))
    vector = generator.standard_normal(1001)
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    found: list[ArrayLike] = [values, vectors, *np.linalg.qr(matrix), np.linalg.solve(matrix, matrix[0])]
    found += [np.linalg.svd(matrix)[1]]
    found += [matrix @ matrix, matrix @ matrix[0], vector @ vector, batch @ batch.transpose(0, 2, 1)]
    found += [vector.sum(), np.einsum("i,i->", vector, vector), np.tanh(vector), np.exp(vector), np.log(vector**2)]
    found += [np.sin(vector), np.cos(vector), np.arctan2(vector, vector[::-1])]
    found += [[f(x) for f in (math.sin, math.cos, math.exp, math.tanh, math.atan)] for x in vector[:50]]
    digest = hashlib.blake2b(digest_size=6, salt=GENERATION.to_bytes(1, "little"))
    for each in found:
        digest.update(np.ascontiguousarray(each, dtype=float).tobytes())
    return digest.hexdigest()

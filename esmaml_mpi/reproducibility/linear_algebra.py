"""Products, systems and eigenvalues of matrices with the same bits on every processor.

BLAS and LAPACK add in another order, and fuse other products with sums, on each processor. Nothing here does: sums are
NumPy's over one axis, whose order is fixed, or exact.
"""

import numpy as np

BITS = 53  # of a float64
BLOCK = 64  # columns that are eliminated before they are taken off those behind them
EPSILON = float(np.finfo(float).eps)
SWEEPS = 40  # of rotations at most; 7 or 8 are enough


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Matrix product (n, m) of (n, k) and (k, m), finite ones, about as exact as BLAS.

    Both are cut to slices of so few bits that BLAS makes no rounding error in a product of two slices, and so has the
    same result in any order (Ozaki et al. 2012). Errors are relative to the largest element of a row and of a column.
    """
    bits = _bits(left.shape[1])
    rows, row_powers = _slices(left, bits, axis=1)
    columns, column_powers = _slices(right, bits, axis=0)
    found = np.zeros((left.shape[0], right.shape[1]))
    for rank in reversed(range(len(rows))):
        part = rows[0] @ columns[rank]
        for i in range(1, rank + 1):
            part += rows[i] @ columns[rank - i]
        found = found * 2.0**-bits + part
    scaled: np.ndarray = np.ldexp(found, row_powers + column_powers - 2 * bits)
    return scaled


def gram(columns: np.ndarray) -> np.ndarray:
    """Products (n, n) of all pairs of finite columns (d, n), as ``product`` makes them."""
    bits = _bits(len(columns))
    slices, powers = _slices(columns, bits, axis=0)
    found = np.zeros((columns.shape[1],) * 2)
    for rank in reversed(range(len(slices))):
        found *= 2.0**-bits
        for i in range(rank // 2 + 1):
            part = slices[i].T @ slices[rank - i]
            found += part if 2 * i == rank else part + part.T
    scaled: np.ndarray = np.ldexp(found, powers.T + powers - 2 * bits)
    return scaled


def _bits(terms: int) -> int:
    """Of a slice, so that sums of this many products of two are exact."""
    return (BITS - max(terms - 1, 1).bit_length()) // 2


def _slices(matrix: np.ndarray, bits: int, axis: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Matrices of integers up to 2^bits, and powers: the matrix is 2^(power - bits) sum_i 2^(-i bits) slice_i."""
    powers = np.frexp(np.max(np.abs(matrix), axis=axis, keepdims=True))[1]
    rest = np.ldexp(matrix, bits - powers)
    slices = []
    for _ in range(-(-(BITS + 2) // bits)):
        slices.append(np.rint(rest))
        rest = (rest - slices[-1]) * 2.0**bits
    return slices, powers


def times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Matrix (n, k) times vector (k,)."""
    found: np.ndarray = np.add.reduce(np.ascontiguousarray(matrix) * vector, axis=1)
    return found


def inner(left: np.ndarray, right: np.ndarray) -> float:
    """Inner product of two vectors."""
    return float(np.add.reduce(left * right))


def lengths(columns: np.ndarray) -> np.ndarray:
    """Euclidean lengths (n,) of columns (d, n)."""
    found: np.ndarray = np.sqrt(np.add.reduce(columns * columns, axis=0))
    return found


def solve_positive(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x (n,) with A x = b for a symmetric positive definite A (n, n), by Cholesky's method."""
    lower = cholesky(matrix)
    x = np.array(right)
    for i in range(len(x)):
        x[i] /= lower[i, i]
        x[i + 1 :] -= lower[i + 1 :, i] * x[i]
    for i in reversed(range(len(x))):
        x[i] /= lower[i, i]
        x[:i] -= lower[i, :i] * x[i]
    return x


def cholesky(matrix: np.ndarray) -> np.ndarray:
    """Lower triangular L (n, n) with L L' = A. A pivot that rounding has made too small, or negative, is raised."""
    lower = np.tril(matrix)
    floors = EPSILON * np.maximum(np.diagonal(matrix), np.finfo(float).tiny)
    for start in range(0, len(lower), BLOCK):
        stop = min(start + BLOCK, len(lower))
        for j in range(start, stop):
            column = lower[j:, j] - np.add.reduce(lower[j:, start:j] * lower[j, start:j], axis=1)
            column[0] = np.maximum(column[0], floors[j])
            lower[j:, j] = column / np.sqrt(column[0])
        if stop < len(lower):
            panel = lower[stop:, start:stop]
            lower[stop:, stop:] -= np.tril(product(panel, panel.T))
    return lower


def eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (n,), smallest first, and orthonormal eigenvectors (n, n), columns, of a small symmetric matrix.

    Jacobi's method, n / 2 rotations at once, in the order of a tournament; O(n) passes over the matrix a sweep.
    """
    size = len(matrix)
    power = np.frexp(np.max(np.abs(matrix)))[1]
    a, turned = np.ldexp(matrix, -power), np.eye(size)  # no square is too large
    seats = np.arange(size + size % 2)  # one of an odd number has nobody to meet
    half = len(seats) // 2
    for _ in range(SWEEPS):
        squares = a * a
        outside = np.add.reduce(squares - np.diag(np.diagonal(squares)), axis=None)
        if not outside > (EPSILON * EPSILON) * np.add.reduce(squares, axis=None):
            break
        for _ in range(len(seats) - 1):
            pairs = np.sort([seats[:half], seats[half:][::-1]], axis=0)
            p, q = pairs[:, pairs[1] < size]
            _rotate(a, turned, p, q)
            seats = np.concatenate([seats[:1], seats[-1:], seats[1:-1]])
    values = np.ldexp(np.diagonal(a), power)
    order = np.argsort(values, kind="stable")
    return values[order], turned[order].T


def _rotate(a: np.ndarray, turned: np.ndarray, p: np.ndarray, q: np.ndarray) -> None:
    """Make a[p, q] zero for disjoint pairs, and turn the rows of ``turned`` likewise."""
    across = a[p, q]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = (a[q, q] - a[p, p]) / (across + across)
        tangent = np.copysign(1.0, slope) / (np.abs(slope) + np.sqrt(1.0 + slope * slope))
    tangent = np.where(across == 0, 0.0, tangent)
    cosine = (1.0 / np.sqrt(1.0 + tangent * tangent))[:, None]
    sine = tangent[:, None] * cosine
    for each in (a, a.T, turned):
        first, second = each[p], each[q]
        each[p] = cosine * first - sine * second
        each[q] = sine * first + cosine * second
    a[p, q] = a[q, p] = 0.0


def orthonormalize(rows: np.ndarray) -> None:
    """Gram-Schmidt in place, rows (n, d) with n <= d: the Q of a QR whose R has a positive diagonal.

    Only that Q is Haar distributed for Gaussian rows. Each row goes through twice, which leaves rounding errors only.
    """
    for i, row in enumerate(rows):
        before = rows[:i]
        for _ in range(2):
            parts = np.add.reduce(before * row, axis=1)
            row -= np.add.reduce(before * parts[:, None], axis=0)
        row /= np.sqrt(np.add.reduce(row * row))

"""How alike two directions are: kernels for determinantal samplers, 1 for a direction and itself.

Lengths are in the units of directions without sigma, where two standard normals of d dimensions are about sqrt(2d)
apart. A kernel of a length of 1 times that is about exp(-1/2) between any two of them.
"""

import numpy as np

from esmaml_mpi.native.door import exp
from esmaml_mpi.reproducibility.linear_algebra import gram, lengths, product


def rbf(features: np.ndarray, length: float) -> np.ndarray:
    """exp(-|x_i - x_j|^2 / (2 length^2)) (n, n) for columns x of features (r, n)."""
    squares = np.add.reduce(features * features, axis=0)
    distances = squares[:, None] + squares - 2.0 * gram(features)
    np.fill_diagonal(distances, 0.0)
    with np.errstate(over="ignore"):  # a length next to 0: infinitely far apart, but each at 0 from itself
        kernel: np.ndarray = exp(np.maximum(distances, 0.0) / length / length / -2.0)
        return kernel


def cosine(directions: np.ndarray) -> np.ndarray:
    """Cosines of the angles between columns (n, n); of rank at most d."""
    units = directions / lengths(directions)
    return gram(units)


def projected(directions: np.ndarray, basis: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Coordinates (r, n) of directions (d, n) in a basis (d, r), stretched so that their distances are weighted.

    Squared distances become sum_j w_j ((x_i - x_k) . u_j)^2 with the weights (r,) scaled to a mean of 1: only their
    ratios matter, and standard normals stay about sqrt(2r) apart if the u_j are orthonormal. ValueError for shapes
    that do not fit, numbers that are not finite, and weights that are negative or all 0.
    """
    if basis.ndim != 2 or basis.shape[0] != directions.shape[0] or basis.shape[1] == 0:
        raise ValueError(f"a basis of shape ({directions.shape[0]}, r) is wanted, not {basis.shape}")
    weights = np.ones(basis.shape[1]) if weights is None else np.asarray(weights, dtype=float)
    if weights.shape != basis.shape[1:]:
        raise ValueError(f"weights of shape {basis.shape[1:]} are wanted, not {weights.shape}")
    if not (np.isfinite(basis).all() and np.isfinite(weights).all()):
        raise ValueError("a basis or its weights are not finite")
    if weights.min() < 0 or weights.max() == 0:
        raise ValueError("weights of a basis are at least 0, and not all 0")
    weights = weights / weights.max()  # first, so that no sum overflows
    stretch = np.sqrt(weights * (len(weights) / np.add.reduce(weights)))
    features: np.ndarray = product(basis.T, directions) * stretch[:, None]
    return features

"""How queries become the Hessian of the Gaussian smoothing f_sigma(theta) = E f(theta + sigma g), g ~ N(0, I).

Differentiating the Gaussian density twice gives Hess f_sigma = E f(theta + sigma g) (g g' - I) / sigma^2. Every
estimator here has the form

    H = (1 / (m sigma^2)) sum_i c_i (g_i g_i' - I)

over m directions g_i, each of them N(0, I) (Song et al. 2020, Algorithm 4, where the mean of f_i times I is taken off
in one piece), and states only its coefficients c_i. Rewards divided by their std give the Hessian divided by it; so do
coefficients of such rewards, and coefficients of rewards as measured give the true scale. To add an estimator: write a
file with such an object and add a line to ``HESSIANS``.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from esmaml_mpi.hessians.antithetic import Antithetic
from esmaml_mpi.hessians.leave_one_out import LeaveOneOut
from esmaml_mpi.hessians.pivot import Pivot
from esmaml_mpi.hessians.plain import Plain


class Hessian(Protocol):
    """An estimator of the Hessian.

    As g and -g have the same g g', those that are not ``mirrored`` take mirrored pairs too, by their mean.
    """

    @property
    def mirrored(self) -> bool:
        """Whether each direction must be queried at theta + sigma g and at theta - sigma g."""

    @property
    def needs_pivot(self) -> bool:
        """Whether f(theta) itself enters."""

    @property
    def fewest_directions(self) -> int:
        """With fewer there are no coefficients."""

    def coefficients(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        """Coefficients (..., m) from query values (..., m, signs), signs 1 or 2, and the pivot's value (...)."""


HESSIANS: dict[str, Hessian] = {
    "plain": Plain(),
    "pivot": Pivot(),
    "leave_one_out": LeaveOneOut(),
    "antithetic": Antithetic(),
}


def product(directions: Iterable[np.ndarray], coefficients: np.ndarray, vector: np.ndarray, sigma: float) -> np.ndarray:
    """H v (d,) without H: (sum c_i g_i (g_i . v) - (sum c_i) v) / (m sigma^2), in O(m d) time and O(d) memory.

    ``directions`` gives m arrays (d,), one at a time and possibly one array refilled; ``coefficients`` (m,), ``vector``
    (d,). ValueError if there are not m directions. No BLAS: its order of summation depends on its threads.
    """
    total, scratch = np.zeros_like(vector), np.empty_like(vector)
    for direction, coefficient in zip(directions, coefficients, strict=True):
        np.multiply(direction, vector, out=scratch)
        np.multiply(direction, coefficient * np.add.reduce(scratch), out=scratch)
        np.add(total, scratch, out=total)
    np.multiply(vector, np.add.reduce(coefficients), out=scratch)
    np.subtract(total, scratch, out=total)
    mean: np.ndarray = np.divide(total, len(coefficients) * sigma**2, out=total)
    return mean


def matrix(directions: Iterable[np.ndarray], coefficients: np.ndarray, sigma: float) -> np.ndarray:
    """H itself (d, d), exactly symmetric, for small d: O(m d^2) time. Arguments as in ``product``, m at least 1."""
    total: np.ndarray | None = None
    for direction, coefficient in zip(directions, coefficients, strict=True):
        if total is None:
            total = np.zeros((direction.size, direction.size))
        for row, component in zip(total, direction, strict=True):
            row += coefficient * (component * direction)
    assert total is not None
    total[np.diag_indices_from(total)] -= np.add.reduce(coefficients)
    mean: np.ndarray = np.divide(total, len(coefficients) * sigma**2, out=total)
    return mean

"""What claims say of estimators, computed: on f = c + b x + x' A x / 2 all is known in closed form."""

import numpy as np
from papers.parts import ABOVE, EXACTLY, Computed

from esmaml_mpi.estimators import ESTIMATORS

SIGMA, DIRECTIONS, DIMENSION = 0.1, 50, 6
CONSTANT, CURVATURE = 7.0, 5.1  # f at the policy, and the size of A: those of docs/hessian.md
SHIFT = 1024.0  # a power of 2, and rewards on a grid: sums are exact
GRID = 2.0**20
FEW, MANY = 108, 774  # parameters of HalfCheetah's policies, linear and of width 32


def evaluations_per_dimension() -> tuple[float, float]:
    """How many times more evaluations MANY parameters need than FEW, held against 1.

    Forward-FD's gradient of b x from m directions has the relative variance (d + 1) / m.
    """
    return (MANY + 1) / (FEW + 1), 1.0


def hessian_error() -> tuple[float, float]:
    """Standard error of Algorithm 4 over |A| (Frobenius), held against 1, |b|^2 = d; without what A itself adds.

    E |gg' - I|^2 = d^2 + d and E (b g)^2 |gg' - I|^2 = |b|^2 (d^2 + 5 d + 4) for standard normal g in d dimensions.
    """
    d = DIMENSION
    square = CONSTANT**2 * (d * d + d) + SIGMA**2 * d * (d * d + 5 * d + 4)
    return float(np.sqrt(square / (DIRECTIONS * SIGMA**4)) / CURVATURE), 1.0


def vanilla_inflation() -> tuple[float, float]:
    """Variance of the vanilla gradient of b x with the shift over that without, held against 1, |b|^2 = d.

    Summed over components it is (c^2 d / sigma^2 + |b|^2 (d + 1)) / m.
    """
    return 1 + SHIFT**2 / (SIGMA**2 * (DIMENSION + 1)), 1.0


def change_by_shift(name: str) -> float:
    """The largest change of a number of the estimator's gradient when SHIFT is added to every reward."""
    estimator, generator = ESTIMATORS[name], np.random.Generator(np.random.Philox(key=19))
    directions = generator.standard_normal((DIMENSION, DIRECTIONS))
    values = np.round(generator.standard_normal((DIRECTIONS, len(estimator.signs))) * GRID) / GRID
    pivot = np.array(0.5) if estimator.needs_pivot else None

    def gradient(shift: float) -> np.ndarray:
        found = estimator.differences(values + shift, None if pivot is None else pivot + shift)
        return np.asarray(directions @ found / (DIRECTIONS * SIGMA))

    return float(np.abs(gradient(SHIFT) - gradient(0.0)).max())


SHIFT_INVARIANCE = (
    Computed("largest change of a Forward-FD estimate", lambda: (change_by_shift("forward_fd"), 0.0), EXACTLY),
    Computed("largest change of an antithetic estimate", lambda: (change_by_shift("antithetic"), 0.0), EXACTLY),
    Computed("variance of the vanilla estimator, shifted over unshifted", vanilla_inflation, ABOVE),
)

"""How queries become a gradient of the Gaussian smoothing f_sigma(theta) = E f(theta + sigma g), g ~ N(0, I).

Every estimator here has the form gradient = (1 / (m sigma)) sum_i difference_i g_i over m directions g_i, and states
only its differences. To add one: write a file with such an object and add a line to ``ESTIMATORS``.
"""

from typing import Protocol

import numpy as np

from esmaml_mpi.estimators.antithetic import Antithetic
from esmaml_mpi.estimators.forward_fd import ForwardFD
from esmaml_mpi.estimators.vanilla import Vanilla


class Estimator(Protocol):
    """A finite-difference estimator."""

    signs: tuple[float, ...]  # a direction g is queried at theta + sign * sigma * g for each sign
    needs_pivot: bool  # whether f(theta) itself enters

    def differences(self, values: np.ndarray, pivot: np.ndarray) -> np.ndarray:
        """Differences (..., m) from query values (..., m, len(signs)) and the pivot's value (...)."""


ESTIMATORS = {"vanilla": Vanilla(), "forward_fd": ForwardFD(), "antithetic": Antithetic()}

"""How queries become a gradient of the Gaussian smoothing f_sigma(theta) = E f(theta + sigma g), g ~ N(0, I).

Every estimator here has the form gradient = (1 / (m sigma)) sum_i difference_i g_i over m directions g_i, and states
only its differences. To add one: write a file with such an object and add a line to ``ESTIMATORS``,
or name it from outside (docs/extending.md).
"""

from typing import Protocol

import numpy as np

from esmaml_mpi.estimators.antithetic import Antithetic
from esmaml_mpi.estimators.forward_fd import ForwardFD
from esmaml_mpi.estimators.vanilla import Vanilla
from esmaml_mpi.settings.registry import Objects


class Estimator(Protocol):
    """A finite-difference estimator."""

    @property
    def signs(self) -> tuple[float, ...]:
        """A direction g is queried at theta + sign * sigma * g for each sign."""

    @property
    def needs_pivot(self) -> bool:
        """Whether f(theta) itself enters."""

    def differences(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        """Differences (..., m) from query values (..., m, len(signs)) and the pivot's value (...)."""


ESTIMATORS = Objects(
    "estimator",
    "estimators",
    {"vanilla": Vanilla(), "forward_fd": ForwardFD(), "antithetic": Antithetic()},
    methods=("differences",),
    attributes=("signs", "needs_pivot"),
)

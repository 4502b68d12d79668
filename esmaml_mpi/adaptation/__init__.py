"""Adaptation operators U(theta, T). To add one: write a file with such a class and add a line to ``OPERATORS``.

An operator is a generator function: it yields the parameters it wants evaluated, receives their rewards, and returns
the adapted parameters. It knows neither tasks nor rollouts, so the same code serves a batched simulation and a robot
that tries one policy at a time.
"""

from collections.abc import Callable, Generator
from typing import Protocol

import numpy as np

from esmaml_mpi.adaptation.es_gradient import ESGradient


class Operator(Protocol):
    """An adaptation operator. Arrays carry U units and T tasks, adapted independently of each other."""

    queries_at_once: int  # the most policies it yields together, Q

    def adapt(
        self, theta: np.ndarray, normals: Callable[[int], np.ndarray]
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """Adapt theta (d, U, T): yields queries (d, U, T, Q), is sent rewards (U, T, Q), returns (d, U, T).

        ``normals(count)`` draws the next (d, U, T, count) standard normals of each unit and task.
        """


OPERATORS = {"es_gradient": ESGradient}

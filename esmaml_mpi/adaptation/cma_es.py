"""CMA-ES over a few numbers (Hansen 2016, arXiv 1604.00772), by the ``cmaes`` package, for many searches side by side.

The package is imported when a search begins, so that processes that have none stay lean. Its samples are made of
normals that the project draws: a session and a simulation try the same, and a resumed one goes on.
"""

import math
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from esmaml_mpi.errors import ConfigError


def check_cmaes(what: str) -> None:
    """ConfigError, which names ``what``, if the package cannot be had; it is not imported."""
    if find_spec("cmaes") is None:
        raise ConfigError(f'{what}: needs cmaes. Install it with: pip install "esmaml-mpi[cma]".')


def population(size: int) -> int:
    """Points lambda of a generation for ``size`` numbers: the usual 4 + floor(3 ln n)."""
    return 4 + math.floor(3 * math.log(size))


class Searches:
    """A search of its own for each unit and task. All begin around 0, with steps of length ``sigma``."""

    def __init__(self, size: int, sigma: float, shape: tuple[int, int]):
        from cmaes import CMA

        self._shape, self._each = (size, *shape), list(np.ndindex(shape))
        # A seed of any kind: its own random numbers are never asked for.
        self._searches = [
            CMA(np.zeros(size), sigma, seed=0, population_size=population(size)) for _ in range(len(self._each))
        ]

    def ask(self, normals: np.ndarray) -> np.ndarray:
        """Points (n, U, T, c) of the present generations, made of standard normals (n, U, T, c)."""
        asked = np.empty((*self._shape, normals.shape[-1]))
        for search, (u, t) in zip(self._searches, self._each, strict=True):
            search._rng = _Given(normals[:, u, t].T)  # where it looks for its normals
            for i in range(normals.shape[-1]):
                asked[:, u, t, i] = search.ask()
        return asked

    def tell(self, asked: np.ndarray, rewards: np.ndarray) -> None:
        """Rewards (U, T, lambda), -inf of a failed trial, of a whole generation: on to the next ones."""
        for search, (u, t) in zip(self._searches, self._each, strict=True):
            # It minimizes. Equal losses keep their order.
            search.tell(list(zip(asked[:, u, t].T, -rewards[u, t], strict=True)))


class _Given:
    """In the place of a generator: standard normals that are there already, (c, n)."""

    def __init__(self, normals: np.ndarray):
        self._left: Iterator[np.ndarray] = iter(normals)

    def randn(self, size: int) -> np.ndarray:
        """The next n = ``size``."""
        return next(self._left)

"""A batch of policies bound to compiled kernels: a step, or whole episodes of what the kernels can simulate."""

import numpy as np

from esmaml_mpi.native.door import Kernels

SQUASHES = ("identity", "relu", "tanh")  # their numbers in source/kernels.h
PRICES = ("bowl", "squared_distance", "distance")


def shape_of(widths: list[int], hidden: str, output: str) -> np.ndarray:
    """A network as kernels are told of it: squashing of hidden layers and of the last, then the width of each layer."""
    return np.array([SQUASHES.index(hidden), SQUASHES.index(output), *widths], dtype=np.int64)


class CompiledPolicy:
    """Parameters (d, B) or more rows, observation mean and std (n,) or (n, B). They are read when something is run."""

    def __init__(
        self, kernels: Kernels, shape: np.ndarray, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray
    ) -> None:
        self._kernels, self._shape = kernels, shape
        self._policies = shape, *(np.asarray(each, dtype=np.float64) for each in (parameters, mean, std))
        self._packed: np.ndarray | None = None
        self._act = kernels.bound("act")  # called in every step
        self._actions: np.ndarray

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        packed = self._pack() if self._packed is None else self._packed
        self._act(self._shape, packed, np.asarray(observations, dtype=np.float64), self._actions)
        return self._actions

    def point_episodes(
        self, action_limit: float, position_limit: float, start: np.ndarray | None, path: np.ndarray, sums: np.ndarray
    ) -> None:
        """Episodes of ``tasks/point.py`` from ``start`` (2, B), None: the origin; ``path`` (horizon + 1, 2, B) and
        ``sums`` (4, B), of its observations acted upon and of their squares, are written.
        """
        self._kernels.call("point", *self._policies, action_limit, position_limit, start, path, sums)

    def priced_episodes(
        self,
        action_limit: float,
        position_limit: float,
        start: np.ndarray | None,
        price: tuple[str, float],
        horizon: int,
        goals: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns (B,), lengths (B,) and sums (4, B) of such episodes, without their paths: each step pays the
        ``price``, one of PRICES with its limit, of the squared distance to the goals (2, B) after it.
        """
        batch = self._policies[1].shape[1]
        returns, sums = np.empty(batch), np.empty((4, batch))
        kind, limit = price
        paid = PRICES.index(kind), limit, horizon
        self._kernels.call("priced", *self._policies, action_limit, position_limit, start, paid, goals, returns, sums)
        return returns, np.full(batch, horizon), sums

    def stepped_episodes(self, step: int, state: np.ndarray, path: np.ndarray, sums: np.ndarray) -> None:
        """Episodes of a family whose steps are a compiled function, at this address (``docs/extending.md``):

            void step(void *state, int64_t batch, double *actions, double *observations)

        ``path`` (horizon + 1, n, B), whose first observations are there, and ``sums`` (2n, B), of those acted upon and
        of their squares, are written. ``state`` (float64, contiguous) is what the function is given.
        """
        self._kernels.call("path", self._shape, self._pack(), step, state, path, sums)

    def cartpole_episodes(
        self, options: tuple, bias: np.ndarray, start: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Episodes of ``tasks/cartpole_sensor_bias.py``: returns (B,), lengths (B,) and sums (2n, B).

        ``options``: force, position limit, angle limit, whether velocities are observed, horizon; ``bias`` (1, B);
        ``start`` (4, B) or None.
        """
        batch = self._policies[1].shape[1]
        returns, lengths = np.empty(batch), np.empty(batch, dtype=np.int64)
        sums = np.empty((2 * self._shape[2], batch))
        self._kernels.call("cartpole", *self._policies, options, bias, start, returns, lengths, sums)
        return returns, lengths, sums

    def _pack(self) -> np.ndarray:
        """Parameters as ``act`` reads them; once."""
        if self._packed is not None:
            return self._packed
        batch = self._policies[1].shape[1]
        size, lanes = self._kernels.call("packed_size", self._shape, batch)
        memory = np.empty(size + lanes)
        skipped = -(memory.ctypes.data // memory.itemsize) % lanes  # vectors are read where they are aligned
        self._packed = memory[skipped : skipped + size]
        self._kernels.call("pack", *self._policies, self._packed)
        self._actions = np.empty((self._shape[-1], batch))
        return self._packed

"""Earlier evaluations near the current point, reused as further rows of a regression (RBO's off-policy updates)."""

import numpy as np


class Archive:
    """The last ``capacity`` (point, reward) pairs of one adaptation to one task; the oldest make room.

    Only for decoders with ``any_rows``: seen from a new theta the old points are not standard normal.
    """

    def __init__(self, dimension: int, capacity: int):
        self._points = np.empty((dimension, capacity))
        self._rewards = np.empty(capacity)
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self._rewards.size)

    def add(self, points: np.ndarray, rewards: np.ndarray) -> None:
        """Keep points (d, n) and their rewards (n,), as measured: normalisation differs from step to step."""
        capacity = self._rewards.size
        kept = range(max(0, rewards.size - capacity), rewards.size)  # more than fit: the last ones
        slots = [(self._added + i) % capacity for i in kept]
        self._points[:, slots] = points[:, kept]
        self._rewards[slots] = rewards[kept]
        self._added += rewards.size

    def near(self, theta: np.ndarray, pivot: float, sigma: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
        """Directions (x - theta) / sigma (d, k) and differences (reward - pivot) / sigma (k,) of the k points no
        farther from theta than radius * sigma * sqrt(d), oldest first.

        At radius 1 that is the typical length of a fresh perturbation. ``pivot`` is theta's reward now. theta itself
        is no direction and left out.
        """
        count, capacity = len(self), self._rewards.size
        order = np.arange(self._added - count, self._added) % capacity
        directions = (self._points[:, order] - theta[:, None]) / sigma
        squares = np.add.reduce(directions * directions, axis=0)
        (kept,) = np.nonzero((squares > 0) & (squares <= radius * radius * theta.size))
        return directions[:, kept], (self._rewards[order[kept]] - pivot) / sigma

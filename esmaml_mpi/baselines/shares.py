"""The trajectories of each task, cut into shares that do not depend on who computes them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shares:
    """``whole`` queries of each of ``tasks`` tasks, in ``most`` shares of one size; the last of a task may be shorter,
    and there are fewer where a query each is less.

    A unit of work is a share. What is summed over queries is summed within a share, then over shares in their order:
    the bits follow from the cut, and not from the number of ranks.
    """

    tasks: int
    whole: int
    most: int

    @property
    def size(self) -> int:
        """Queries of a share."""
        return -(-self.whole // self.most)

    @property
    def count(self) -> int:
        """Shares of a task."""
        return -(-self.whole // self.size)

    @property
    def units(self) -> int:
        """Shares of all tasks, those of a task being neighbours."""
        return self.tasks * self.count

    def located(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of units (U,): which tasks, their first queries, how many they have."""
        slots, shares = np.divmod(indices, self.count)
        starts = shares * self.size
        return slots, starts, np.minimum(self.size, self.whole - starts)

    def by_task(self, rows: np.ndarray) -> np.ndarray:
        """Rows (units, k) as (tasks, shares, k)."""
        return rows.reshape(self.tasks, self.count, -1)

    def summed(self, rows: np.ndarray) -> np.ndarray:
        """Sums (tasks, k) of rows (units, k) over the shares of each task."""
        total = np.zeros((self.tasks, rows.shape[1]))
        for share in range(self.count):
            total += self.by_task(rows)[:, share]
        return total

    def in_a_row(self, rows: np.ndarray) -> np.ndarray:
        """Numbers (tasks, whole * k) of all queries from rows (units, size * k)."""
        each = rows.shape[1] // self.size
        return rows.reshape(self.tasks, -1)[:, : self.whole * each]

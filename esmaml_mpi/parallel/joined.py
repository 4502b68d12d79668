"""What all ranks found in a round, joined at rank 0: integer sums, and the rows of units."""

import numpy as np

from esmaml_mpi.parallel.world import World

MOST_SUMMED = 8192  # numbers in rows that travel with the sums; more are gathered


class Joined:
    """This rank's ``sums`` (n,) int64, to be added to, and rows (units, width) float64, each found by one rank.

    Few rows travel inside the sums, which is one message less: as the bits of their numbers, to which the other ranks
    add zeros. Many would burden every rank with all of them, and are sent to rank 0 by those who found them.
    """

    def __init__(self, world: World, sums: int, units: int, width: int) -> None:
        self._world, self._shape = world, (units, width)
        self._inside = units * width <= MOST_SUMMED
        extra = units * width if self._inside else world.size
        self._buffer = np.zeros(sums + extra, dtype=np.int64)
        self.sums, self._rest = np.split(self._buffer, [sums])
        self._rows = self._rest.view(np.float64).reshape(self._shape) if self._inside else np.empty((0, 0))
        self._blocks = [np.empty((0, 1 + width))]  # of units: index, then its numbers

    def add(self, start: int, rows: np.ndarray) -> None:
        """Rows (U, w) of the units from ``start`` on, w at most ``width``."""
        if self._inside:
            self._rows[start : start + len(rows), : rows.shape[1]] = rows
            return
        block = np.full((len(rows), 1 + self._shape[1]), np.nan)
        block[:, 0], block[:, 1 : 1 + rows.shape[1]] = np.arange(start, start + len(rows)), rows
        self._blocks.append(block)

    def join(self) -> np.ndarray | None:
        """At rank 0 the rows of all, and ``sums`` then are those of all; None elsewhere."""
        if self._inside:
            self._world.reduce(self._buffer)
            return self._rows if self._world.rank == 0 else None
        found = np.concatenate(self._blocks)
        self._rest[self._world.rank] = len(found)
        self._world.sum(self._buffer)
        gathered = self._world.gather(found, self._rest.tolist())
        return None if gathered is None else gathered[np.argsort(gathered[:, 0])][:, 1:]

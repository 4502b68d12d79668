"""What is shown of two episodes at a step; and episodes kept for it, where but one may be under way at a time."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.tasks.family import Simulation


@dataclass(frozen=True)
class Moment:
    """After ``step`` steps: columns are the policies, ``observations`` is (step + 1, n, 2).

    Each (2,): ``lengths``, steps of an episode so far; ``over``, whether it has ended; ``returns``, its reward so far.
    """

    step: int
    simulation: Simulation
    observations: np.ndarray
    lengths: np.ndarray
    over: np.ndarray
    returns: np.ndarray

    @property
    def paths(self) -> list[np.ndarray]:
        """Observations (steps + 1, n) of each episode until its end."""
        return [self.observations[: length + 1, :, i] for i, length in enumerate(self.lengths)]


class Kept:
    """One policy's episode that is over: its moments, and pictures of some of them, packed."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self._pictures: dict[int, tuple[tuple[int, ...], bytes]] = {}  # step -> shape, bytes

    def add(self, moment: Moment, picture: np.ndarray | None) -> None:
        """The next moment, of one column, with its picture if that will be shown."""
        self.moments.append(moment)
        if picture is not None:
            self._pictures[moment.step] = picture.shape, zlib.compress(picture.tobytes(), 1)

    def at(self, step: int) -> Moment:
        """The moment after this step, or the last one."""
        return self.moments[min(step, len(self.moments) - 1)]

    def picture(self, step: int) -> np.ndarray:
        """The picture of that moment."""
        shape, packed = self._pictures[self.at(step).step]
        return np.frombuffer(zlib.decompress(packed), dtype=np.uint8).reshape(shape)

    @classmethod
    def joined(cls, films: Sequence["Kept"], step: int) -> Moment:
        """Moments of all as one; each of those that have ended is its last."""
        parts = [film.at(step) for film in films]
        seen = np.zeros((step + 1, parts[0].observations.shape[1], len(films)))
        for i, part in enumerate(parts):
            seen[: part.step + 1, :, i] = part.observations[..., 0]
        lengths, over, returns = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("lengths", "over", "returns")
        )
        return Moment(step, Shown(films, step), seen, lengths, over, returns)  # type: ignore[arg-type]  # it is drawn only


@dataclass(frozen=True)
class Shown:
    """In place of a simulation that draws itself: pictures that were kept of each column's episode."""

    films: Sequence[Kept]
    step: int

    def frame(self, column: int) -> np.ndarray:
        """Picture (height, width, 3)."""
        return self.films[column].picture(self.step)

"""Units of work: one perturbed meta-policy (or one test) each, evaluated whole by whichever rank owns it."""

import itertools
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from esmaml_mpi.reproducibility.exact_sums import LARGEST
from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.causes import Cause


class Status(IntEnum):
    """What became of a unit. Anything but OK leaves the estimate."""

    OK = 0
    RAISED = 1  # the task family raised an exception
    NOT_FINITE = 2  # a return or an observation was not finite, or beyond 2**126
    TIMED_OUT = 3  # it took longer than run.unit_timeout


_OK = int(Status.OK)  # NumPy takes long to find out that a member is a number


@dataclass(frozen=True)
class Part:
    """Units that are each a part of the queries of one evaluation: of ``whole`` queries, those from ``starts`` (U,) on.

    ``step``: how many evaluations have come before. Random numbers are those that the whole would have drawn.
    """

    step: int
    whole: int
    starts: np.ndarray


@dataclass(frozen=True)
class Units:
    """U units of one round.

    ``tasks`` (U, T): ids of the tasks each unit adapts to. ``streams`` (U,): the number that keys a unit's randomness;
    units that must share it (antithetic twins) carry the same one. ``part``: of what, where units are not whole.
    """

    round: Round
    tasks: np.ndarray
    streams: np.ndarray
    part: Part | None = None

    def __len__(self) -> int:
        return len(self.streams)

    def __getitem__(self, chosen: slice) -> "Units":
        part = self.part and Part(self.part.step, self.part.whole, self.part.starts[chosen])
        return Units(self.round, self.tasks[chosen], self.streams[chosen], part)


@dataclass
class Tally:
    """What the rollouts of U units amounted to.

    ``status`` (U,), ``observation_sums`` (2n, U), ``rollouts`` and ``steps`` (U,) int64. ``causes``: why a unit, by its
    index, has failed, where that is known.
    """

    status: np.ndarray
    observation_sums: np.ndarray
    rollouts: np.ndarray
    steps: np.ndarray
    causes: dict[int, Cause] = field(default_factory=dict)

    @classmethod
    def empty(cls, units: int, observation_size: int) -> "Tally":
        return cls(
            np.zeros(units, dtype=np.int64),
            np.zeros((2 * observation_size, units)),
            np.zeros(units, dtype=np.int64),
            np.zeros(units, dtype=np.int64),
        )

    @property
    def good(self) -> np.ndarray:
        """Which units are OK (U,) bool."""
        found: np.ndarray = self.status == _OK
        return found

    def put(self, chosen: np.ndarray, other: "Tally") -> None:
        """Those of chosen units (U,), whose tally this is."""
        self.status[chosen], self.observation_sums[:, chosen] = other.status, other.observation_sums
        self.rollouts[chosen], self.steps[chosen] = other.rollouts, other.steps

    def __iadd__(self, other: "Tally") -> "Tally":
        np.maximum(self.status, other.status, out=self.status)
        self.causes = {**other.causes, **self.causes}
        return self.count(other.observation_sums, other.rollouts, other.steps)

    def count(self, sums: np.ndarray, rollouts: np.ndarray | int, steps: np.ndarray) -> "Tally":
        """Add rollouts that did not fail: the sums (2n, U) of their observations, their number and their steps (U,)."""
        self.observation_sums += sums
        too_large = np.abs(self.observation_sums) >= LARGEST
        if too_large.any():
            columns = too_large.any(axis=0)
            self.observation_sums[:, columns] = 0.0
            self.status[columns] = np.maximum(self.status[columns], Status.NOT_FINITE)
        self.rollouts += rollouts
        self.steps += steps
        return self

    @classmethod
    def joined(cls, parts: list["Tally"]) -> "Tally":
        """Tallies of consecutive units side by side."""
        if len(parts) == 1:
            return parts[0]
        starts = itertools.accumulate((len(part.status) for part in parts), initial=0)
        return cls(
            np.concatenate([part.status for part in parts]),
            np.concatenate([part.observation_sums for part in parts], axis=1),
            np.concatenate([part.rollouts for part in parts]),
            np.concatenate([part.steps for part in parts]),
            {a + unit: cause for a, part in zip(starts, parts, strict=False) for unit, cause in part.causes.items()},
        )

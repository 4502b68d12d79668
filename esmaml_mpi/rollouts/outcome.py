"""What adapting and scoring units comes to, and the parts of it joined."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from esmaml_mpi.rollouts.units import Tally


@dataclass
class Outcome:
    """Results of U units on T tasks each.

    Returns ``after`` adaptation (U, T), ``before`` it (U, T) if asked for, and the tally. ``success_after`` and
    ``success_before`` (U, T) say which share of these episodes was a success, if the family reports that.
    """

    after: np.ndarray
    before: np.ndarray | None
    tally: Tally
    success_after: np.ndarray | None = None
    success_before: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: list["Outcome"]) -> "Outcome":
        """Those of consecutive units."""
        before = [part.before for part in parts if part.before is not None]
        after = joined([part.after for part in parts], axis=0)
        return cls(
            after,
            joined(before, axis=0) if before else None,
            Tally.joined([part.tally for part in parts]),
            _joined_successes(parts, [part.success_after for part in parts]),
            _joined_successes(parts, [part.success_before for part in parts]),
        )


class Scored(NamedTuple):
    """Mean returns (U, T) of policies, what their rollouts amounted to, and their share of successes, if reported."""

    returns: np.ndarray
    tally: Tally
    successes: np.ndarray | None


def joined(parts: list[np.ndarray], axis: int) -> np.ndarray:
    """Side by side; no copy of a single one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


def _joined_successes(parts: list[Outcome], found: list[np.ndarray | None]) -> np.ndarray | None:
    """Those of consecutive units; nan of units that failed, None where nobody reports any."""
    if all(each is None for each in found):
        return None
    rows = zip(parts, found, strict=True)
    return joined([np.full(part.after.shape, np.nan) if each is None else each for part, each in rows], axis=0)

"""Final test scores of groups of runs, one number a seed."""

from dataclasses import dataclass

import bootstrap
import curves
import numpy as np
from groups import Group
from script import Note


@dataclass(frozen=True)
class Score:
    """A group's test rewards (seeds,) before and after adaptation at ``iteration``, the last that all its runs have."""

    group: Group
    iteration: int
    planned: int
    before: np.ndarray
    after: np.ndarray

    @property
    def label(self) -> str:
        """The group's label."""
        return self.group.label

    @property
    def missing(self) -> int:
        """Seeds without a score: every adaptation of their test failed."""
        return len(self.group.runs) - len(self.after)

    @property
    def interval(self) -> tuple[float, float]:
        """Bootstrap interval of the mean after adaptation."""
        low, high = bootstrap.interval(self.after)
        return float(low), float(high)


def final(group: Group, note: Note) -> Score:
    """The score of a group; the note says what it is not over."""
    after, before = (curves.average(group, metric, "iteration", note) for metric in ("after", "before"))
    planned = max(run.config.meta.iterations for run in group.runs)
    if after.x[-1] < planned:
        note(f"{group.label}: scored at iteration {after.x[-1]} of {planned}")
    return Score(group, int(after.x[-1]), planned, before.row(-1), after.row(-1))

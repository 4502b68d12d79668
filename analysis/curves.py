"""Curves of a group of runs: a mean over seeds, and a band around it."""

from dataclasses import dataclass
from functools import reduce

import bands
import numpy as np
import series
from groups import Group
from script import Note

from esmaml_mpi.errors import UserError


@dataclass(frozen=True)
class Curve:
    """``values`` (seeds, R) at the same ``x`` (R,)."""

    label: str
    family: str
    x: np.ndarray
    values: np.ndarray

    @property
    def seeds(self) -> int:
        """Number of runs."""
        return len(self.values)

    @property
    def mean(self) -> np.ndarray:
        """Mean (R,) over the seeds that have a value."""
        return series.finite_mean(self.values, 0)

    def band(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper edge (R,) over the seeds that have a value; ``kind`` is a key of bands.BANDS."""
        return bands.edges(self.values, kind)

    def row(self, index: int) -> np.ndarray:
        """What the seeds have in one row, without those that failed."""
        return self.values[np.isfinite(self.values[:, index]), index]

    def at(self, x: float) -> np.ndarray:
        """What the seeds have at a cost between the first and the last, without those that failed."""
        found = np.array([np.interp(x, self.x, values) for values in self.values])
        return found[np.isfinite(found)]


def average(group: Group, metric: str, x: str, note: Note) -> Curve:
    """The curve of a group, as far as its shortest run; ``metric`` and ``x`` are keys of METRICS and COSTS in series.

    Over meta-iterations it has the iterations that all runs measured. Over a cost, which redraws, early ends of
    episodes and clocks make different in every seed, each run is interpolated linearly to all the costs at which any of
    them was measured, so that the mean is one at equal cost.
    """
    own = [series.curve(run, metric) for run in group.runs]
    for run in group.runs:
        if missing := series.failures(run, metric):
            note(f"{run.path}: {missing} test returns are missing (failed rollouts) and left out of the means")
    shared = reduce(np.intersect1d, [iterations for iterations, _ in own])
    if shared.size == 0:
        raise UserError(f"the runs of {group.label} have no iteration in common.")
    longest = max(iterations[-1] for iterations, _ in own)
    if shared[-1] < longest:
        note(f"{group.label}: drawn as far as iteration {shared[-1]}, the last of all its runs; one has {longest}")
    if x == "iteration":
        values = np.array([value[np.isin(iterations, shared)] for iterations, value in own])
        return Curve(group.label, group.family, shared, values)
    spent = [series.cost(run, iterations, x) for run, (iterations, _) in zip(group.runs, own, strict=True)]
    costs, values = at_equal_cost(spent, [value for _, value in own])
    if costs.size == 0:
        raise UserError(
            f"the runs of {group.label} have no {series.COSTS[x]} in common: "
            + ", ".join(
                f"{run.path} was tested from {s[0]:g} to {s[-1]:g}" for run, s in zip(group.runs, spent, strict=True)
            )
            + "."
        )
    return Curve(group.label, group.family, costs, values)


def at_equal_cost(spent: list[np.ndarray], values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All costs (R,) that every run has reached, and values (runs, R) there; what failed is interpolated over."""
    costs = np.unique(np.concatenate(spent))
    costs = costs[(costs >= max(own[0] for own in spent)) & (costs <= min(own[-1] for own in spent))]
    rows = np.full((len(spent), len(costs)), np.nan)
    for row, own, value in zip(rows, spent, values, strict=True):
        finite = np.isfinite(value)
        if finite.any():
            row[:] = np.interp(costs, own[finite], value[finite], left=np.nan, right=np.nan)
    return costs, rows

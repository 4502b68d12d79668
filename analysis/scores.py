"""Test scores of groups of runs, one number a seed: at the end, or where training had cost all of them the same."""

from dataclasses import dataclass

import bootstrap
import curves
import numpy as np
import series
from groups import Group
from script import Note

from esmaml_mpi.errors import UserError


@dataclass(frozen=True)
class Score:
    """A group's test rewards (seeds,) before and after adaptation.

    ``at``: the last iteration that all its runs have; or, of the cost that ``by`` names (a key of series.SPENT), what
    all groups have spent.
    """

    group: Group
    by: str
    at: float
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


def scored(groups: list[Group], equal: str | None, note: Note) -> list[Score]:
    """Scores of groups at their ends, or at an ``equal`` cost; the note says what they are not over."""
    return [final(each, note) for each in groups] if equal is None else of_equal_cost(groups, equal, note)


def final(group: Group, note: Note) -> Score:
    """The score of a group at its end."""
    after, before = (curves.average(group, metric, "iteration", note) for metric in ("after", "before"))
    planned = max(run.config.meta.iterations for run in group.runs)
    if after.x[-1] < planned:
        note(f"{group.label}: scored at iteration {after.x[-1]} of {planned}")
    return Score(group, "iteration", int(after.x[-1]), before.row(-1), after.row(-1))


def of_equal_cost(groups: list[Group], cost: str, note: Note) -> list[Score]:
    """Scores where all runs have spent as much as the one that has spent least, between tests linearly."""
    own = [[curves.average(each, metric, cost, note) for metric in ("before", "after")] for each in groups]
    most = min(curve.x[-1] for pair in own for curve in pair)
    late = max((after for _, after in own), key=lambda curve: curve.x[0])
    if late.x[0] > most:
        raise UserError(
            f"{late.label} was tested first after {late.x[0]:,g} {series.COSTS[cost]}, and another group last after "
            f"{most:,g}: there is no equal cost to score them at (test.every decides how often runs are tested)."
        )
    return [
        Score(group, cost, most, *(curve.at(most) for curve in pair)) for group, pair in zip(groups, own, strict=True)
    ]


def add_option(parser) -> None:
    """``--equal``, for scripts that score."""
    parser.add_argument(
        "--equal",
        choices=series.SPENT,
        help="score all groups where training had cost all of them the same, as much as the run that has spent least; "
        "between tests by linear interpolation (default: each at its end)",
    )

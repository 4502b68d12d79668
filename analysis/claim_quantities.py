"""The numbers of a run that claims are about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from claim_summary import Run

LAST = 0.25  # of training: the part in which what has been reached is to be kept


class Course:
    """A run up to an instant: ``at`` is the cost (series.COSTS) that ``instant`` counts."""

    def __init__(self, run: Run, at: str, instant: float) -> None:
        self.run, self.at, self.instant = run, at, instant
        self.where = np.array(run.series[at], dtype=float)

    def value(self, name: str, row: int | None = None) -> float:
        """A series at the instant, between two tests on the line between them; or in a row. nan where it is missing."""
        if name not in self.run.series:
            return float("nan")
        values = np.array(self.run.series[name], dtype=float)  # None: nan
        if row is None and self.instant in self.where:
            row = self.where.tolist().index(self.instant)
        if row is not None:
            return float(values[row])
        known = np.isfinite(values)
        return (
            float(np.interp(self.instant, self.where[known], values[known], np.nan, np.nan)) if known.any() else np.nan
        )

    def until(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Costs and values of the tests up to the instant, which is the last; failed ones are left out."""
        values = np.array(self.run.series[name], dtype=float)
        before = self.where < self.instant
        where, found = [*self.where[before], self.instant], [*values[before], self.value(name)]
        kept = np.isfinite(found)
        return np.array(where)[kept], np.array(found)[kept]


@dataclass(frozen=True)
class Quantity:
    """``scatter``: a side's numbers are their distances from their median."""

    words: str
    of: Callable[[Course], float]
    scatter: bool = False


def _speed(course: Course) -> float:
    where, values = course.until("after")
    if len(where) < 2:
        return float("nan")
    area = ((values[1:] + values[:-1]) / 2 * np.diff(where)).sum()
    return float(area / (where[-1] - where[0]))


def _kept(course: Course) -> float:
    where, values = course.until("after")
    late = values[where >= (1 - LAST) * course.instant]
    return float(late.min()) if late.size else float("nan")


def _fall(course: Course) -> float:
    values = course.until("after")[1]
    return float((np.maximum.accumulate(values) - values).max()) if values.size else float("nan")


def _fell(course: Course) -> float:
    values = course.until("after")[1]
    return float(values[-1] < values[0]) if values.size > 1 else float("nan")


def _end(course: Course) -> float:
    return Course(course.run, course.at, course.where[-1]).value("after")


def _cost(course: Course) -> float:
    return 1000 * course.run.series["seconds"][-1] / course.run.series["rollouts"][-1]


def _last(name: str) -> Callable[[Course], float]:
    return lambda course: Course(course.run, course.at, course.where[-1]).value(name)


def _share(words: str) -> str:
    return f"share of adaptations that {words}"


QUANTITIES = {
    "after": Quantity("test reward per episode after adaptation", lambda course: course.value("after")),
    "end": Quantity("test reward per episode after adaptation, at each run's end", _end),
    "gain": Quantity(
        "test reward per episode, gained by adaptation", lambda course: course.value("after") - course.value("before")
    ),
    "progress": Quantity(
        "test reward per episode after adaptation, gained by training",
        lambda course: course.value("after") - course.value("after", 0),
    ),
    "speed": Quantity("test reward per episode after adaptation, mean over training", _speed),
    "kept": Quantity("lowest test reward after adaptation in the last quarter of training", _kept),
    "fall": Quantity("deepest fall of a test reward below the best one before it", _fall),
    "fell": Quantity("share of runs whose test reward after adaptation ends below its start", _fell),
    "scatter": Quantity(
        "distance of a seed's test reward after adaptation from the median of the seeds",
        lambda course: course.value("after"),
        scatter=True,
    ),
    "worsened": Quantity(_share("end below the policy they began with"), lambda course: course.value("worsened")),
    "found": Quantity(_share("come near their corner"), lambda course: course.value("found")),
    "harmed": Quantity(
        _share("a wrong corner costs more than their own brings"), lambda course: course.value("harmed")
    ),
    "solved": Quantity(_share("visit every goal, at the end"), _last("solved")),
    "goals": Quantity("goals that an adapted policy visits, at the end", _last("goals")),
    "turns": Quantity("turns of an adapted policy's path around the centre, at the end", _last("turns")),
    "spread": Quantity("distance of what is tried ends from the mean end, at the end of training", _last("spread")),
    "alike": Quantity("share of the directions of what is tried that does not cancel out, at the end", _last("alike")),
    "detour": Quantity("path length of what is tried over its distance from start to end, at the end", _last("detour")),
    "cost": Quantity("milliseconds of training for a rollout", _cost),
}

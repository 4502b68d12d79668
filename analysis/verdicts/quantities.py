"""The numbers of a run that claims are about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from verdicts.summary import Run

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
    """``scatter``: a side's numbers are their distances from their median. ``at_end``: each run's own, whatever others
    have spent.
    """

    words: str
    of: Callable[[Course], float]
    scatter: bool = False
    at_end: bool = False


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


def _loss(course: Course) -> float:
    after = course.value("after")
    return float(np.log10(-after)) if after < 0 else float("nan")


def _gained(name: str) -> Callable[[Course], float]:
    return lambda course: course.value(name) - course.value(name, 0)


def _first(name: str) -> Callable[[Course], float]:
    return lambda course: course.value(name, 0)


def _last(name: str) -> Callable[[Course], float]:
    return lambda course: Course(course.run, course.at, course.where[-1]).value(name)


def _share(words: str) -> str:
    return f"share of adaptations that {words}"


FOUND = _share("bring more than never coming near a corner does")


LOADED = "test reward per episode, gained by adaptation with a low battery and a weight at one side"
SLIPPERY = "test reward per episode, gained by adaptation on a slippery floor"


QUANTITIES = {
    "after": Quantity("test reward per episode after adaptation", lambda course: course.value("after")),
    "end": Quantity("test reward per episode after adaptation, at each run's end", _end, at_end=True),
    "gain": Quantity(
        "test reward per episode, gained by adaptation", lambda course: course.value("after") - course.value("before")
    ),
    "gain_loaded": Quantity(LOADED, lambda course: course.value("gain_loaded")),
    "gain_slippery": Quantity(SLIPPERY, lambda course: course.value("gain_slippery")),
    "gain_loaded_gained": Quantity(f"{LOADED}, less before training", _gained("gain_loaded")),
    "gain_slippery_gained": Quantity(f"{SLIPPERY}, less before training", _gained("gain_slippery")),
    "progress": Quantity("test reward per episode after adaptation, gained by training", _gained("after")),
    "first": Quantity("test reward per episode after adaptation, before training", _first("after")),
    "loss": Quantity("power of ten of what is lost, of minus the test reward per episode after adaptation", _loss),
    "speed": Quantity("test reward per episode after adaptation, mean over training", _speed),
    "rise": Quantity(
        "test reward per episode after adaptation, mean over training less that before it",
        lambda course: _speed(course) - course.value("after", 0),
    ),
    "kept": Quantity("lowest test reward after adaptation in the last quarter of training", _kept),
    "fall": Quantity("deepest fall of a test reward below the best one before it", _fall),
    "fell": Quantity("share of runs whose test reward after adaptation ends below its start", _fell),
    "scatter": Quantity(
        "distance of a seed's test reward after adaptation from the median of the seeds",
        lambda course: course.value("after"),
        scatter=True,
    ),
    "worsened": Quantity(_share("end below the policy they began with"), lambda course: course.value("worsened")),
    "found": Quantity(FOUND, lambda course: course.value("found")),
    "found_gained": Quantity(f"{FOUND}, gained by training", _gained("found")),
    "found_first": Quantity(f"{FOUND}, before training", _first("found")),
    "harmed": Quantity(
        _share("a wrong corner costs more than their own brings"), lambda course: course.value("harmed")
    ),
    "solved": Quantity(_share("visit every goal, at the end"), _last("solved"), at_end=True),
    "goals": Quantity("goals that an adapted policy visits, at the end", _last("goals"), at_end=True),
    "turns": Quantity("turns of an adapted policy's path around the centre, at the end", _last("turns"), at_end=True),
    "spread": Quantity(
        "distance of what is tried ends from the mean end, at the end of training", _last("spread"), at_end=True
    ),
    "alike": Quantity(
        "share of the directions of what is tried that does not cancel out, at the end", _last("alike"), at_end=True
    ),
    "detour": Quantity(
        "path length of what is tried over its distance from start to end, at the end", _last("detour"), at_end=True
    ),
    "cost": Quantity("milliseconds for a training rollout, tests included", _cost),
}

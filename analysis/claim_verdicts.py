"""What runs say of claims: one number a seed, the interval of a difference, and a verdict by one rule for all.

The interval reaches, at either end, as far as the farther of two 95 % intervals: the bootstrap's (bootstrap.py), which
over few seeds stays between the extreme values and is then less sure than it says, and Welch's, which is exact where
values are normal. A part of a claim ``agrees`` if the whole interval lies on the claimed side of 0, ``disagrees`` if on
the other, and is not resolved otherwise, or where a side has but one seed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import bootstrap
import numpy as np
import significance
from claim_list import Claim, Part
from claim_summary import Point, Run, Summary
from scipy.special import stdtrit

AGREES, DISAGREES, UNRESOLVED, NOT_RUN = "agrees", "disagrees", "not resolved at this scale", "not run"
LEVEL = 0.05


@dataclass(frozen=True)
class Quantity:
    """A number of a run at an instant; ``of(value)`` where value(name) is the run's series there, value(name, 0) its
    first.
    """

    words: str
    of: Callable[[Callable], float]


QUANTITIES = {
    "after": Quantity("test reward per episode after adaptation", lambda value: value("after")),
    "gain": Quantity("test reward per episode, gained by adaptation", lambda value: value("after") - value("before")),
    "progress": Quantity(
        "test reward per episode after adaptation, gained by training", lambda value: value("after") - value("after", 0)
    ),
    "found": Quantity("share of adaptations that come near their corner", lambda value: value("found")),
    "harmed": Quantity(
        "share of adaptations that a wrong corner costs more than their own brings", lambda value: value("harmed")
    ),
    "solved": Quantity("share of adaptations that visit every goal", lambda value: value("solved")),
}


@dataclass(frozen=True)
class Evidence:
    """What was measured for a part, in one size: values (n,) over ``seeds`` and (m,) of the other side, or none.

    ``instant``: iteration, rollouts or seconds of all its runs at which they are taken.
    """

    part: Part
    size: str
    points: list[Point]
    runs: list[Run]
    instant: float
    a: np.ndarray
    b: np.ndarray

    @property
    def difference(self) -> float:
        """Mean of a less that of b, or less the threshold; nan if a side has none."""
        if not self.a.size or (self.part.against and not self.b.size):
            return float("nan")
        return float(self.a.mean() - (self.b.mean() if self.part.against else self.part.threshold))

    @property
    def interval(self) -> tuple[float, float]:
        """Of the difference, at 95 %; nan with a single seed."""
        if self.part.against:
            edges = [bootstrap.difference_interval(self.a, self.b), welch_interval(self.a, self.b)]
        else:
            around = self.a - self.part.threshold
            edges = [bootstrap.interval(around), welch_interval(around, np.zeros(2))]
        low, high = np.array(edges, dtype=float).T
        return float(low.min()), float(high.max())

    @property
    def p(self) -> float:
        """Of Welch's t test, or Student's of one sample against the threshold; nan where there is no spread."""
        return significance.welch(*self._sides).p

    @property
    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        # Against values without spread Welch's test is Student's of one sample.
        return (self.a, self.b) if self.part.against else (self.a - self.part.threshold, np.zeros(2))

    @property
    def verdict(self) -> str:
        """By the rule above."""
        return verdict(*self.interval, self.part.above)

    @property
    def complete(self) -> bool:
        """Whether all runs have got to their end."""
        return all(run.iterations >= run.planned for run in self.runs)


@dataclass(frozen=True)
class Judged:
    """A claim with the evidence for each part of it, None: not run."""

    claim: Claim
    evidence: tuple[Evidence | None, ...]

    @property
    def run(self) -> list[Evidence]:
        """Parts for which there are runs."""
        return [each for each in self.evidence if each]

    @property
    def verdict(self) -> str:
        """Of its own parts that were run: agrees if all do, disagrees if any does."""
        found = [each.verdict for each in self.run if not each.part.beside]
        if not found:
            return NOT_RUN
        if DISAGREES in found:
            return DISAGREES
        return AGREES if set(found) == {AGREES} else UNRESOLVED


def verdict(low: float, high: float, above: bool) -> str:
    """What an interval of a difference says of a claim that it is above, or below, 0."""
    if low > 0 or high < 0:
        return AGREES if (low > 0) == above else DISAGREES
    return UNRESOLVED


def welch_interval(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Interval of mean(a) - mean(b) by Student's t with Welch's degrees of freedom; nan where a side has one value."""
    if min(len(a), len(b)) < 2:
        return float("nan"), float("nan")
    centre, test = float(a.mean() - b.mean()), significance.welch(a, b)
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    reach = float(error * stdtrit(test.freedom, 1 - LEVEL / 2)) if error > 0 else 0.0
    return centre - reach, centre + reach


def judge(claims: tuple[Claim, ...], summary: Summary) -> list[Judged]:
    """Every claim with what there is of it."""
    return [Judged(claim, tuple(_evidence(part, summary) for part in claim.parts)) for claim in claims]


def adjusted(judged: list[Judged]) -> list[list[float]]:
    """p of the parts of each claim that were run, adjusted for the number of them all (Holm)."""
    ps = iter(significance.holm(np.array([each.p for one in judged for each in one.run])).tolist())
    return [[next(ps) for _ in one.run] for one in judged]


def _evidence(part: Part, summary: Summary) -> Evidence | None:
    """In the first size, the paper's before others, in which all points of the part have runs with such a number."""
    for size in [part.size] if part.size else summary.sizes(part.experiment):
        sides = [[summary.of(part.experiment, size, name) for name in names] for names in (part.points, part.against)]
        if not all(runs for side in sides for runs in side):
            continue
        runs = [run for side in sides for own in side for run in own]
        instant = _instant(runs, part.at)
        if instant is None:
            continue
        a, b = (_values(side, part, instant) for side in sides)
        if a.size and (b.size or not part.against):
            points = [summary.point(part.experiment, size, name) for name in (*part.points, *part.against)]
            return Evidence(part, size, points, runs, instant, a, b)
    return None


def _instant(runs: list[Run], at: str) -> float | None:
    """The last instant after the start at which all runs have a number; None if there is no such thing."""
    if at == "iteration":  # one that all have tested at
        return max(set.intersection(*(set(run.series["iteration"]) for run in runs)) - {0}, default=None)
    last = min(run.series[at][-1] for run in runs)
    return last if last >= max(run.series[at][0] for run in runs) else None


def _values(side: list[list[Run]], part: Part, instant: float) -> np.ndarray:
    """A number for each seed that all points of a side have, their mean; failures are left out."""
    numbers = [{run.seed: _number(run, part, instant) for run in runs} for runs in side]
    seeds = sorted(set.intersection(*(set(own) for own in numbers))) if numbers else []
    values = np.array([np.mean([own[seed] for own in numbers]) for seed in seeds])
    return values[np.isfinite(values)]


def _number(run: Run, part: Part, instant: float) -> float:
    """The quantity of a run, its series taken at ``instant``, between two tests on the line between them."""

    def value(name: str, row: int | None = None) -> float:
        if name not in run.series:
            return float("nan")
        values, where = (np.array(run.series[each], dtype=float) for each in (name, part.at))  # None: nan
        if row is None and instant in where:
            row = where.tolist().index(instant)
        known = np.isfinite(values)
        if row is None:
            return float(np.interp(instant, where[known], values[known], np.nan, np.nan)) if known.any() else np.nan
        return float(values[row])

    return QUANTITIES[part.quantity].of(value)

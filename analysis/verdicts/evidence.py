"""What runs say of a part of a claim: one number a seed, the interval of a difference, and a verdict by one rule.

docs/claims.md says how a verdict follows (claims_page/appendix.RULE).
"""

from dataclasses import dataclass
from functools import cached_property

import bootstrap
import intervals
import numpy as np
import significance
from papers.parts import ABOVE, BELOW, EQUAL, EXACTLY, NOT_ABOVE, NOT_BELOW, Part
from verdicts.quantities import QUANTITIES, Course
from verdicts.summary import Point, Run, Summary

AGREES, DISAGREES, UNRESOLVED = "agrees", "disagrees", "not resolved"
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was measured for a part: values (n,) over seeds and (m,) of the other side, or none.

    ``instant``: iteration, rollouts or seconds of all its runs at which they are taken; ``margin`` in the quantity's
    unit, 0 where the claim needs none; ``missing``: seeds that the experiment file has and the runs have not, so that
    no verdict is drawn yet.
    """

    part: Part
    points: list[Point]
    runs: list[Run]
    instant: float
    a: np.ndarray
    b: np.ndarray
    margin: float = 0.0
    missing: int = 0

    @property
    def difference(self) -> float:
        """Mean of a less that of b, or less the threshold; nan if a side has none."""
        if not self.a.size or (self.part.against and not self.b.size):
            return float("nan")
        return float(self.a.mean() - (self.b.mean() if self.part.against else self.part.threshold))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Of the difference, at 95 %; nan with a single seed."""
        if self.part.against:
            return intervals.of_difference(self.a, self.b)
        return intervals.of_mean(self.a - self.part.threshold)

    @property
    def p(self) -> float:
        """Of the test that the claim asks for; nan where there is no spread, or no test."""
        a, b = self._sides
        if self.alike and self.part.claimed in (ABOVE, BELOW):
            return self._without_spread
        match self.part.claimed:
            case "exactly" | "nothing":
                return float("nan")
            case "equal":
                return significance.equivalence(a, b, self.margin)
            case "not below":
                return significance.welch(a + self.margin, b).p
            case "not above":
                return significance.welch(a - self.margin, b).p
            case _:
                return significance.welch(a, b).p

    @property
    def effect(self) -> float:
        """Hedges' g of the two sides; against a threshold, the difference in standard deviations, corrected alike."""
        if self.part.against:
            return significance.hedges_g(self.a, self.b)
        return significance.hedges_g_one(self.a - self.part.threshold)

    @property
    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        # Against values without spread Welch's test is Student's of one sample.
        return (self.a, self.b) if self.part.against else (self.a - self.part.threshold, np.zeros(2))

    @property
    def _without_spread(self) -> float:
        """Of the ranks alone: that all seeds lie on one side by chance."""
        if self.difference == 0:
            return 1.0
        if self.part.against:
            return significance.smallest(self.a.size, self.b.size)
        return 1 - bootstrap.most_confidence(self.a.size)

    @property
    def verdict(self) -> str:
        """By the rule of docs/claims.md."""
        if self.part.claimed == EXACTLY:
            return AGREES if (self.a == self.part.threshold).all() else DISAGREES
        if self.part.claimed == EQUAL and self.p <= LEVEL:
            return AGREES
        return verdict(*self.interval, self.part.claimed, self.margin)

    @property
    def test(self) -> tuple:
        """What makes it another test than that of another part, whatever its points are called there; the same two
        sides turned round are the same one.
        """
        part, turned = self.part, {ABOVE: BELOW, BELOW: ABOVE}
        settings = {point.name: point.config for point in self.points}

        def side(points: tuple[str, ...], less: tuple[str, ...], values: np.ndarray) -> tuple:
            return *(
                tuple(sorted(settings.get(name, name) for name in names)) for names in (points, less)
            ), values.tobytes()

        own, other = side(part.points, part.less, self.a), side(part.against, part.against_less, self.b)
        claimed = part.claimed
        if part.against and claimed in turned and other < own:
            own, other, claimed = other, own, turned[claimed]
        return own, other, part.threshold, claimed, self.margin

    @property
    def alike(self) -> bool:
        """Whether there is no spread at all, so that Welch's test does not apply."""
        return all(side.size > 1 and np.ptp(side) == 0 for side in self._sides)

    @property
    def complete(self) -> bool:
        """Whether all runs have got to their end."""
        return all(run.iterations >= run.planned for run in self.runs)


def verdict(low: float, high: float, claimed: str, margin: float = 0.0) -> str:
    """What an interval of a difference says of a claim about it. ``equal`` is agreed to by a test alone, not here."""
    match claimed:
        case "above" | "not below":
            edge = -margin if claimed == NOT_BELOW else 0.0
            return AGREES if low > edge else DISAGREES if high < edge else UNRESOLVED
        case "below" | "not above":
            edge = margin if claimed == NOT_ABOVE else 0.0
            return AGREES if high < edge else DISAGREES if low > edge else UNRESOLVED
        case "equal":
            return DISAGREES if low > margin or high < -margin else UNRESOLVED
        case _:
            return UNRESOLVED


def evidence_for(part: Part, summary: Summary) -> Evidence | None:
    """What a summary has for a part: None unless all its points have runs, with such a number at a common instant."""
    found = {name: summary.of(part.experiment, part.size, name) for name in part.named}
    runs = [run for own in found.values() for run in own]
    if not all(found.values()) or (instant := _instant(runs, part.at)) is None:
        return None
    sides = part.points, part.less, part.against, part.against_less
    points, less, against, against_less = ([_numbers(found[name], part, instant) for name in names] for names in sides)
    if part.scaled:
        points, against = _scaled(points, against)
    a, b = _values(points, less), _values(against, against_less)
    if not a.size or (part.against and not b.size):
        return None
    places = [point for name in part.named if (point := summary.point(part.experiment, part.size, name))]
    missing = {seed for point in places for seed in point.seeds if seed not in {r.seed for r in found[point.name]}}
    return Evidence(part, places, runs, instant, a, b, _margin(found, part, instant), len(missing))


def _margin(found: dict[str, list[Run]], part: Part, instant: float) -> float:
    """``part.margin`` of what training has gained on the other side, mean over its runs."""
    if not part.margin:
        return 0.0
    gains = [QUANTITIES["progress"].of(Course(run, part.at, instant)) for name in part.against for run in found[name]]
    return part.margin * max(float(np.nanmean(gains)), 0.0)


def _instant(runs: list[Run], at: str) -> float | None:
    """The last instant after the start at which all runs have a number; None if there is no such thing."""
    if at == "iteration":  # if possible one that all have tested at
        tested = set.intersection(*(set(run.series["iteration"]) for run in runs)) - {0}
        if tested:
            return max(tested)
    last = min(run.series[at][-1] for run in runs)
    return last if last > 0 and last >= max(run.series[at][0] for run in runs) else None


Numbers = dict[int, float]  # of a point: seed -> number


def _numbers(runs: list[Run], part: Part, instant: float) -> Numbers:
    quantity = QUANTITIES[part.quantity]
    numbers = {run.seed: quantity.of(Course(run, part.at, instant)) for run in runs}
    return _from_median(numbers) if quantity.scatter else numbers


def _scaled(points: list[Numbers], against: list[Numbers]) -> tuple[list[Numbers], list[Numbers]]:
    """Each point and the one it is compared with, in units of the mean size of their numbers."""
    pairs = []
    for own, other in zip(points, against, strict=True):
        unit = np.nanmean(np.abs([*own.values(), *other.values()])) or 1.0
        pairs.append(tuple({seed: float(number / unit) for seed, number in side.items()} for side in (own, other)))
    return [own for own, _ in pairs], [other for _, other in pairs]


def _values(more: list[Numbers], fewer: list[Numbers]) -> np.ndarray:
    """A number for each seed that all points of a side have, their mean; failures are left out."""
    seeds = sorted(set.intersection(*(set(own) for own in (*more, *fewer)))) if more else []
    values = np.array(
        [
            np.mean([own[seed] for own in more]) - (np.mean([own[seed] for own in fewer]) if fewer else 0.0)
            for seed in seeds
        ]
    )
    return values[np.isfinite(values)]


def _from_median(numbers: dict[int, float]) -> dict[int, float]:
    """Distances from the median: their test is that of Brown and Forsythe."""
    median = float(np.nanmedian(list(numbers.values())))
    return {seed: abs(value - median) for seed, value in numbers.items()}

"""What runs say of claims: one number a seed, the interval of a difference, and a verdict by one rule for all.

The interval reaches, at either end, as far as the farther of two 95 % intervals: the bootstrap's (bootstrap.py), which
over few seeds stays between the extreme values and is then less sure than it says, and Welch's, which is exact where
values are normal. docs/claims.md says how a verdict follows (claim_page.RULE).
"""

from dataclasses import dataclass
from functools import cached_property

import bootstrap
import numpy as np
import significance
from claim_parts import ABOVE, EQUAL, EXACTLY, NOT_ABOVE, NOT_BELOW, NOTHING, Claim, Computed, Part
from claim_quantities import QUANTITIES, Course
from claim_summary import Point, Run, Summary
from scipy.special import stdtrit

AGREES, DISAGREES, UNRESOLVED, NOT_RUN = "agrees", "disagrees", "not resolved", "not run"
DIVIDED = "divided"  # of a claim some of whose parts agree and others disagree
SHOWN = "shown, nothing is claimed"
LEVEL = 0.05


@dataclass(frozen=True)
class Evidence:
    """What was measured for a part: values (n,) over seeds and (m,) of the other side, or none.

    ``instant``: iteration, rollouts or seconds of all its runs at which they are taken; ``margin`` in the quantity's
    unit, 0 where the claim needs none.
    """

    part: Part
    points: list[Point]
    runs: list[Run]
    instant: float
    a: np.ndarray
    b: np.ndarray
    margin: float = 0.0

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
            edges = [bootstrap.difference_interval(self.a, self.b), welch_interval(self.a, self.b)]
        else:
            around = self.a - self.part.threshold
            edges = [bootstrap.interval(around), welch_interval(around, np.zeros(2))]
        low, high = np.array(edges, dtype=float).T
        return float(low.min()), float(high.max())

    @property
    def p(self) -> float:
        """Of the test that the claim asks for; nan where there is no spread, or no test."""
        a, b = self._sides
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
    def verdict(self) -> str:
        """By the rule of docs/claims.md."""
        if self.part.claimed == EXACTLY:
            return AGREES if (self.a == self.part.threshold).all() else DISAGREES
        if self.part.claimed == EQUAL and self.p <= LEVEL:
            return AGREES
        return verdict(*self.interval, self.part.claimed, self.margin)

    @property
    def alike(self) -> bool:
        """Whether there is no spread at all, so that no test applies."""
        return all(side.size > 1 and np.ptp(side) == 0 for side in self._sides)

    @property
    def complete(self) -> bool:
        """Whether all runs have got to their end."""
        return all(run.iterations >= run.planned for run in self.runs)


@dataclass(frozen=True)
class Found:
    """What a computed number is, and what it is held against."""

    about: Computed
    value: float
    bound: float

    @property
    def verdict(self) -> str:
        """Agrees or disagrees: nothing is left to chance."""
        holds = self.value > self.bound if self.about.claimed == ABOVE else self.value == self.bound
        return AGREES if holds else DISAGREES


@dataclass(frozen=True)
class Judged:
    """A claim with the evidence for each part of it, None: not run."""

    claim: Claim
    evidence: tuple[Evidence | None, ...]
    computed: tuple[Found, ...] = ()

    @property
    def run(self) -> list[Evidence]:
        """Parts for which there are runs."""
        return [each for each in self.evidence if each]

    @property
    def own(self) -> list[Evidence]:
        """Of these, the claim's own, on which something is claimed."""
        return [each for each in self.run if counted(each.part)]

    @property
    def verdict(self) -> str:
        """Of its own parts that were run: agrees if all do, disagrees if any does and none agrees, divided if both."""
        parts = [part for part in self.claim.parts if counted(part)]
        if not parts and not self.computed:
            return SHOWN if self.run else NOT_RUN
        if parts and not self.own:
            return NOT_RUN
        found = [each.verdict for each in (*self.own, *self.computed)]
        if DISAGREES in found:
            return DIVIDED if AGREES in found else DISAGREES
        return AGREES if set(found) == {AGREES} else UNRESOLVED


def counted(part: Part) -> bool:
    """Whether a part has a say in its claim's verdict."""
    return not part.beside and part.claimed != NOTHING


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
    return [
        Judged(
            claim,
            tuple(_evidence(part, summary) for part in claim.parts),
            tuple(Found(each, *each.compute()) for each in claim.computed),
        )
        for claim in claims
    ]


def adjusted(judged: list[Judged], beside: bool = False) -> list[list[float]]:
    """p of the parts of each claim that were run, adjusted for the number of all that have a say (Holm); nan of those
    beside, which were not written down before the runs, unless they are to count too.
    """
    shown = [each.p if beside or counted(each.part) else np.nan for one in judged for each in one.run]
    ps = iter(significance.holm(np.array(shown)).tolist())
    return [[next(ps) for _ in one.run] for one in judged]


def _evidence(part: Part, summary: Summary) -> Evidence | None:
    """None unless all points of the part have runs, with such a number at a common instant."""
    found = {name: summary.of(part.experiment, part.size, name) for name in part.named}
    runs = [run for own in found.values() for run in own]
    if not all(found.values()) or (instant := _instant(runs, part.at)) is None:
        return None
    a, b = (
        _values(found, names, less, part, instant)
        for names, less in ((part.points, part.less), (part.against, part.against_less))
    )
    if not a.size or (part.against and not b.size):
        return None
    points = [point for name in part.named if (point := summary.point(part.experiment, part.size, name))]
    return Evidence(part, points, runs, instant, a, b, _margin(found, part, instant))


def _margin(found: dict[str, list[Run]], part: Part, instant: float) -> float:
    """``part.margin`` of what training has gained on the other side, mean over its runs."""
    if not part.margin:
        return 0.0
    gains = [QUANTITIES["progress"].of(Course(run, part.at, instant)) for name in part.against for run in found[name]]
    return part.margin * max(float(np.nanmean(gains)), 0.0)


def _instant(runs: list[Run], at: str) -> float | None:
    """The last instant after the start at which all runs have a number; None if there is no such thing."""
    if at == "iteration":  # one that all have tested at
        return max(set.intersection(*(set(run.series["iteration"]) for run in runs)) - {0}, default=None)
    last = min(run.series[at][-1] for run in runs)
    return last if last >= max(run.series[at][0] for run in runs) else None


def _values(found: dict, names: tuple, less: tuple, part: Part, instant: float) -> np.ndarray:
    """A number for each seed that all points of a side have, their mean; failures are left out."""
    quantity = QUANTITIES[part.quantity]

    def side(chosen: tuple) -> list[dict[int, float]]:
        numbers = [{run.seed: quantity.of(Course(run, part.at, instant)) for run in found[name]} for name in chosen]
        return [_from_median(own) for own in numbers] if quantity.scatter else numbers

    more, fewer = side(names), side(less)
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

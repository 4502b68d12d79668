"""Claims judged: what their parts and computed numbers say together, and p adjusted for all of them."""

from dataclasses import dataclass

import numpy as np
import significance
from papers.parts import ABOVE, Claim, Computed, counted
from papers.replications import is_replication, replication
from verdicts.evidence import AGREES, DISAGREES, UNRESOLVED, Evidence, evidence_for
from verdicts.summary import Summary

NOT_RUN = "not run"
DIVIDED = "divided"  # of a claim some of whose parts agree and others disagree
SHOWN = "shown, nothing is claimed"


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
        """Of these, the claim's own, on which something is claimed, with all their seeds; a part's replication in its
        place, where there is one."""
        settled = [each for each in self.run if counted(each.part) and not each.missing]
        made_again = {each.part for each in settled}
        return [each for each in settled if replication(each.part) not in made_again]

    @property
    def drawn(self) -> list[Evidence]:
        """Parts for which there are runs; of one and its replication that which speaks."""
        speaking = {each.part for each in self.own}
        silent = {replication(part) for part in speaking}
        silent |= {each.part for each in self.run if replication(each.part) in speaking}
        return [each for each in self.run if each.part not in silent]

    @property
    def total(self) -> int:
        """How many parts may have a say."""
        return sum(counted(part) and not is_replication(part) for part in self.claim.parts)

    @property
    def wants_runs(self) -> bool:
        """Whether runs have a say in it, and not computed numbers alone."""
        return self.total > 0

    @property
    def deciding(self) -> Evidence | None:
        """The first part that says what the claim's verdict is; the first one where none does."""
        shown = self.own or ([] if self.wants_runs else self.run)
        said = (AGREES, DISAGREES) if self.verdict == DIVIDED else (self.verdict,)
        return next((each for each in shown if each.verdict in said), shown[0] if shown else None)

    @property
    def so_far(self) -> bool:
        """Whether parts are left that have a say and are not run, or not by all seeds."""
        return len(self.own) < self.total

    @property
    def verdict(self) -> str:
        """Of its own parts that were run: agrees if all do, disagrees if any does and none agrees, divided if both."""
        if not self.wants_runs and not self.computed:
            return SHOWN if self.run else NOT_RUN
        if self.wants_runs and not self.own:
            return NOT_RUN
        found = [each.verdict for each in (*self.own, *self.computed)]
        if DISAGREES in found:
            return DIVIDED if AGREES in found else DISAGREES
        return AGREES if set(found) == {AGREES} else UNRESOLVED


def judge(claims: tuple[Claim, ...], summary: Summary) -> list[Judged]:
    """Every claim with what there is of it."""
    return [
        Judged(
            claim,
            tuple(evidence_for(part, summary) for part in claim.parts),
            tuple(Found(each, *each.compute()) for each in claim.computed),
        )
        for claim in claims
    ]


def adjusted(judged: list[Judged], beside: bool = False) -> list[list[float]]:
    """p of the parts of each claim that were run, adjusted for the number of all that have a say (Holm); nan of those
    beside, which were not written down before the runs, unless they are to count too. Two claims' parts that are the
    same test count once.
    """
    shown = [each for one in judged for each in one.run if (beside or counted(each.part)) and not each.missing]
    tests = {each.test: each.p for each in shown}
    found = dict(zip(tests, significance.holm(np.array(list(tests.values()))).tolist(), strict=True))
    kept = {id(each): found[each.test] for each in shown}
    return [[kept.get(id(each), float("nan")) for each in one.run] for one in judged]

"""Hill climbing: U(theta, T) is reached by trying random changes of theta and keeping those that pay.

Song et al. 2020, section 3.3.2 (one candidate at a time), and Song et al. 2020, "Rapidly adaptable legged robots via
evolutionary meta-learning" (arXiv 2003.01239), whose operators answer noisy rewards with P evaluations: of one
candidate, averaged, or of P candidates, of which the best counts.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.adaptation.learned_lengths import LearnedLengths, learned_setting
from esmaml_mpi.adaptation.winners import best, comparable
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import KEY_WORD, AdaptationSettings, operator_setting

SCHEMES = ("sequential", "average", "batch")


@dataclass(frozen=True)
class HillClimbing(LearnedLengths, AdaptationSettings):
    """Q times: candidates theta + sigma g, g ~ N(0, I), around the best so far; move if the reward is above its own.

    The best so far, the pivot, starts as theta with the mean of P evaluations, and takes over the reward with which a
    candidate has won. That reward is optimistic where rewards are noisy, most so with ``batch``, and is never looked
    at again, as published; with ``reevaluate_pivot`` the pivot is evaluated P times anew beside each iteration's
    candidates and that mean decides, so that luck does not last. The first evaluation alone would decide nothing then,
    and is left out: 2 Q P rollouts instead of (Q + 1) P.

    A policy with a reward of nan in any of its evaluations has failed: it never wins, and as pivot it loses to
    whatever has a reward.
    """

    operator: str = operator_setting("hill_climbing")
    queries: int = setting(20, "iterations Q, each with one candidate, or P in a batch", minimum=1, maximum=KEY_WORD)
    sigma: float = setting(0.1, "length of a candidate's step from the best so far, per parameter", above=0)
    scheme: str = setting(
        "sequential",
        "sequential: one candidate, evaluated once; average: one candidate, the mean of P evaluations; batch: the best "
        "of P candidates, evaluated once each",
        choices=SCHEMES,
    )
    evaluations: int = setting(1, "P; 1 if sequential", minimum=1)
    reevaluate_pivot: bool = setting(
        False,
        "evaluate the best so far P times anew beside the candidates, instead of keeping the reward it has won with: "
        "2 Q P rollouts, not (Q + 1) P",
    )
    learned: list[str] = learned_setting("sigma", "scales")

    counts = ("adaptation.evaluations",)
    tells_centre = True
    bears_failures = True
    returns_tried = True

    def __post_init__(self) -> None:
        self.check_learned()
        if self.scheme == "sequential" and self.evaluations != 1:
            raise ConfigError(
                f"adaptation.evaluations = {self.evaluations}: sequential hill climbing evaluates a candidate "
                "once; choose scheme average or batch, or 1."
            )

    @property
    def queries_at_once(self) -> int:
        """Policies in one yield."""
        return self.evaluations * (2 if self.reevaluate_pivot else 1)

    @property
    def fewest_at_once(self) -> int:
        """Different policies in the smallest yield: candidates and the pivot, or at first the pivot alone."""
        return self.directions_at_once + 1 if self.reevaluate_pivot else 1

    @property
    def directions_at_once(self) -> int:
        """Candidates of one iteration."""
        return self.evaluations if self.scheme == "batch" else 1

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return self.queries + (not self.reevaluate_pivot)

    @property
    def noise_advice(self) -> str:
        """What to do under noise, unless that is done."""
        if self.reevaluate_pivot:
            return ""
        told = (
            "hill climbing keeps the reward that its best policy has won with and never looks at it again: where the "
            "same policy does not earn the same reward each time, one lucky trial can end the climb. "
            "adaptation.reevaluate_pivot=true tries it again beside each candidate "
            f"({2 * self.queries * self.evaluations} trials as it is set)"
        )
        if self.scheme == "batch":
            return told + "."
        return (
            told + "; adaptation.scheme=batch with adaptation.evaluations=P takes the best of P candidates at a time."
        )

    def pivot_last(self, step: int) -> bool:
        """False: its pivots are measured as any other policy is."""
        return False

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return self.evaluations * (2 * self.queries if self.reevaluate_pivot else self.queries + 1)

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
        own: np.ndarray | None = None,
        policy: AnyPolicy | None = None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; ``centre`` is told the best so far (d, U, T) after each iteration."""
        lengths = self.lengths(own, policy)
        count, batch = self.evaluations, self.scheme == "batch"
        pivot: np.ndarray | None = None
        if not self.reevaluate_pivot:
            pivot = _mean((yield _copies(theta, count)))
        for _ in range(self.queries):
            candidates = theta[..., None] + self.sigma * lengths.perturbed(normals(count if batch else 1))
            tried = candidates if batch else _copies(candidates[..., 0], count)
            if self.reevaluate_pivot:
                tried = np.concatenate([tried, _copies(theta, count)], axis=-1)
            rewards = yield tried
            if self.reevaluate_pivot:
                pivot = _mean(rewards[..., count:])
            if batch:
                candidate, value = best(candidates, rewards[..., :count])
            else:
                candidate, value = candidates[..., 0], _mean(rewards[..., :count])
            assert pivot is not None
            better = value > pivot
            theta, pivot = np.where(better, candidate, theta), np.where(better, value, pivot)
            centre(theta)
        return theta


def _copies(parameters: np.ndarray, count: int) -> np.ndarray:
    """(d, U, T) -> (d, U, T, count)."""
    return np.repeat(parameters[..., None], count, axis=-1)


def _mean(rewards: np.ndarray) -> np.ndarray:
    """Mean (U, T) of rewards (U, T, P); -inf where one of them is nan."""
    mean = np.add.reduce(rewards, axis=-1) / rewards.shape[-1]
    return comparable(mean)

"""What rewards say of the policies of a session where trying the same policy again gives another reward."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

NAN = math.nan


@dataclass(frozen=True)
class Estimate:
    """The reward of one policy after ``count`` trials of it.

    ``mean`` is that of its rewards, -inf if it has failed in one, nan if there is none; ``spread`` the standard
    deviation of its own rewards, nan unless there are two; ``error`` the standard error of the mean, from the noise of
    all trials.
    """

    mean: float
    spread: float
    error: float
    count: int

    def __str__(self) -> str:
        if not self.count:
            return "never tried"
        told = "failed" if self.mean == -math.inf else f"{self.mean:.6g}"
        if math.isfinite(self.error) and math.isfinite(self.mean):
            told += f" +- {self.error:.2g}"
        return f"{told} ({self.count} trial{'s' * (self.count > 1)})"


@dataclass(frozen=True)
class Confidence:
    """``best`` is the policy with the highest mean among those tried; ``pivot`` is where the operator stands, what it
    would return now. ``noise`` is the standard deviation of one reward, pooled over the policies that were tried
    several times; nan as long as there are none.
    """

    best: Estimate
    pivot: Estimate
    noise: float

    def __str__(self) -> str:
        noise = f"{self.noise:.2g}" if math.isfinite(self.noise) else "not known, as no policy was tried twice"
        lines = [
            f"best policy tried: {self.best}",
            f"pivot, the policy to use if it ended now: {self.pivot}",
            f"noise of one reward (standard deviation): {noise}",
        ]
        if self.best.count == 1 and self.noise > 0:
            lines.append("the best has been tried once and owes part of its reward to luck: expect less of it")
        return "\n".join(lines)


def confidence(policies: Sequence[Hashable], rewards: Sequence[float], pivot: Hashable) -> Confidence:
    """Of trials of ``policies``, equal where they are the same, with ``rewards``, -inf where one has failed."""
    told: dict[Hashable, list[float]] = {}
    for policy, reward in zip(policies, rewards, strict=True):
        told.setdefault(policy, []).append(reward)
    noise = _pooled(list(told.values()))
    estimates = {policy: _estimate(values, noise) for policy, values in told.items()}
    best = max(estimates.values(), key=lambda estimate: estimate.mean, default=_estimate([], noise))
    return Confidence(best, estimates.get(pivot, _estimate([], noise)), noise)


def _estimate(rewards: list[float], noise: float) -> Estimate:
    count = len(rewards)
    if not count:
        return Estimate(NAN, NAN, NAN, 0)
    return Estimate(_mean(rewards), _pooled([rewards]), noise / math.sqrt(count), count)


def _mean(rewards: list[float]) -> float:
    return -math.inf if -math.inf in rewards else math.fsum(rewards) / len(rewards)


def _pooled(groups: list[list[float]]) -> float:
    """Standard deviation within groups; of failed trials nothing is known."""
    squares, freedom = 0.0, 0
    for group in groups:
        finite = [reward for reward in group if math.isfinite(reward)]
        if len(finite) > 1:
            mean = _mean(finite)
            squares += math.fsum((reward - mean) ** 2 for reward in finite)
            freedom += len(finite) - 1
    return math.sqrt(squares / freedom) if freedom else NAN

"""Which number of a rollout made its evaluation fail."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.reproducibility.exact_sums import LARGEST

MOST_LOOKED_AT = 64  # columns of a block: the cause of one is mostly that of all


@dataclass(frozen=True)
class Fault:
    """``what`` is a row of the observations, or -1 for the reward; ``step`` counts from the reset, -1 for a whole
    episode.
    """

    what: int
    value: float
    step: int

    @property
    def kind(self) -> str:
        """What all faults of this kind have in common."""
        if not np.isfinite(self.value):
            return f"{self._name} is not finite"
        return f"{self._name} is too large"

    def in_words(self, task: int) -> str:
        """As in "observation[1] = inf at step 7 of task 0"."""
        when = f"at step {self.step}" if self.step >= 0 else "over an episode"
        text = f"{self._name} = {self.value:.6g} {when} of task {task}"
        if np.isfinite(self.value):
            text += (
                ": squares of observations, summed over an evaluation, must stay below 2**126, so one below 9e18 "
                "(task.options.clip_observations of Gymnasium's environments clips)"
            )
        return text

    @property
    def _name(self) -> str:
        return "reward" if self.what < 0 else f"observation[{self.what}]"


def faults_of(
    returns: np.ndarray, sums: np.ndarray, seen: np.ndarray, rewards: np.ndarray, lengths: np.ndarray
) -> Mapping[int, Fault]:
    """Faults of the columns that have one: of returns (T, B), observation sums (2n, B), observations acted upon
    (steps, n, B) and rewards (steps, B), of which those before an episode's end, after ``lengths`` (B,) steps, count.
    """
    good = np.isfinite(returns).all(axis=0) & (np.abs(sums) < LARGEST).all(axis=0)  # false for nan
    return {
        int(b): _first(seen[: lengths[b], :, b], rewards[: lengths[b], b]) or fault_of(returns[:, b], sums[:, b])
        for b in np.flatnonzero(~good)[:MOST_LOOKED_AT]
    }


def fault_of(returns: np.ndarray, sums: np.ndarray) -> Fault:
    """The fault of a rollout, or of several, of which no more is known than returns (T,) and observation sums (2n,)."""
    lost = np.flatnonzero(~np.isfinite(returns))
    if len(lost):
        return Fault(-1, float(returns[lost[0]]), -1)
    size = len(sums) // 2
    row = int(np.argmax(np.where(np.isnan(sums), np.inf, np.abs(sums)))) % size
    return Fault(row, float(np.sqrt(np.abs(sums[size + row]))), -1)


def _first(seen: np.ndarray, rewards: np.ndarray) -> Fault | None:
    """The first fault of one episode's observations (steps, n) and rewards (steps,)."""
    wild = ~(seen * seen < LARGEST)  # nan too
    steps, unpaid = np.flatnonzero(wild.any(axis=1)), np.flatnonzero(~np.isfinite(rewards))
    if len(unpaid) and not (len(steps) and steps[0] <= unpaid[0]):
        return Fault(-1, float(rewards[unpaid[0]]), int(unpaid[0]) + 1)
    if len(steps):
        row = int(np.flatnonzero(wild[steps[0]])[0])
        return Fault(row, float(seen[steps[0], row]), int(steps[0]))
    return None

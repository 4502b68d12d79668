"""A race of policies where rewards vary: all have been tried, and each further trial goes to whichever policy most is
expected of (``expected_gain``).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.adaptation.expected_gain import expected_gain
from esmaml_mpi.adaptation.winners import comparable


@dataclass
class Noise:
    """What repeated trials say of the variance of one reward, for each unit and task: the sum of squares about the
    means of the policies, and its degrees of freedom (U, T).
    """

    squares: np.ndarray
    freedom: np.ndarray

    @classmethod
    def unknown(cls, units: int, tasks: int) -> "Noise":
        return cls(np.zeros((units, tasks)), np.zeros((units, tasks)))

    @property
    def variance(self) -> np.ndarray:
        """(U, T); 0 where no policy was tried twice."""
        found: np.ndarray = self.squares / np.maximum(self.freedom, 1.0)
        return found


@dataclass
class Race:
    """Policies (d, U, T, n) with the mean rewards and numbers (U, T, n) of their trials. A policy that has failed once,
    with a reward of nan, has the mean -inf.
    """

    policies: np.ndarray
    means: np.ndarray
    counts: np.ndarray
    noise: Noise

    @classmethod
    def of(cls, policies: np.ndarray, rewards: np.ndarray, noise: Noise) -> "Race":
        """Policies that have been tried once each, with these rewards (U, T, n)."""
        return cls(policies, comparable(rewards), np.ones(rewards.shape), noise)

    @property
    def leader(self) -> np.ndarray:
        """Which has the highest mean (U, T, 1), the first among equals."""
        found: np.ndarray = np.argmax(self.means, axis=-1, keepdims=True)
        return found

    @property
    def next(self) -> np.ndarray:
        """Which to try next (U, T, 1): the one with the greatest expected gain, or the leader, where no gain is seen.

        So it is as long as the noise is not known: the leader's second trial says both what the noise is and how much
        of its reward was luck.
        """
        gains = expected_gain(self.means, self.counts, self.noise.variance)
        found = np.argmax(gains, axis=-1, keepdims=True)
        return np.where(np.take_along_axis(gains, found, axis=-1) > 0, found, self.leader)

    def policy(self, which: np.ndarray) -> np.ndarray:
        """Policies (d, U, T, 1) of these numbers (U, T, 1)."""
        return np.take_along_axis(self.policies, which[None], axis=-1)

    def tell(self, which: np.ndarray, rewards: np.ndarray) -> None:
        """One more reward (U, T, 1) of these policies (U, T, 1)."""
        rewards = comparable(rewards)
        mean, count = (np.take_along_axis(each, which, axis=-1) for each in (self.means, self.counts))
        with np.errstate(invalid="ignore"):
            change = rewards - mean
            new = comparable(mean + change / (count + 1.0))
        counted = np.isfinite(change)[..., 0]
        squares = np.where(counted, (change * change * count / (count + 1.0))[..., 0], 0.0)
        self.noise = Noise(self.noise.squares + squares, self.noise.freedom + counted)
        np.put_along_axis(self.means, which, new, axis=-1)
        np.put_along_axis(self.counts, which, count + 1.0, axis=-1)

    def joined(self, policies: np.ndarray, rewards: np.ndarray) -> "Race":
        """The next race: the leader of this one, whose trials go on counting, and policies (d, U, T, n) that have been
        tried once each, with these rewards (U, T, n).
        """
        which, others = self.leader, Race.of(policies, rewards, self.noise)
        mean, count = (np.take_along_axis(each, which, axis=-1) for each in (self.means, self.counts))
        return Race(
            np.concatenate([self.policy(which), others.policies], axis=-1),
            np.concatenate([mean, others.means], axis=-1),
            np.concatenate([count, others.counts], axis=-1),
            self.noise,
        )

    def run(self, trials: int, centre: Callable[[np.ndarray], None]) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """So many further trials, one after the other; returns the winner (d, U, T). ``centre`` is told the leader
        (d, U, T) after each.
        """
        for _ in range(trials):
            which = self.next
            self.tell(which, (yield self.policy(which)))
            centre(self.policy(self.leader)[..., 0])
        return self.policy(self.leader)[..., 0]

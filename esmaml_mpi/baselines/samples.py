"""A rank's trajectories of the shares it has sampled in the current iteration."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from esmaml_mpi.baselines.advantages import AdvantageEstimation
from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.recording import Recording

if TYPE_CHECKING:
    from esmaml_mpi.baselines.trajectories import Trajectories


class ShareKey(NamedTuple):
    """A share of one round: of which inner step (the query is the last), of which task, from which query on."""

    step: int
    task: int
    start: int


@dataclass
class Sample:
    """Episodes of one share: observations (E, n, T), actions (E, m, T), rewards and weights (E, T), as in
    ``trajectories.py``; and what has been made of them, once.
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    weights: np.ndarray
    _raw: np.ndarray | None = None
    _trajectories: "Trajectories | None" = None

    @classmethod
    def of(cls, recording: Recording, at: tuple[int, ...]) -> "Sample":
        """The episodes of one unit's task."""
        return cls(recording.observations[at], recording.actions[at], recording.rewards[at], recording.weights[at])

    def raw_advantages(self, estimation: AdvantageEstimation, fit: np.ndarray) -> np.ndarray:
        """Advantages (E, T), not standardised yet, under the round's fit of a baseline."""
        if self._raw is None:
            self._raw = estimation.raw(self.observations, self.rewards, self.weights, fit)
        return self._raw

    def trajectories(self, make: Callable[[], "Trajectories"]) -> "Trajectories":
        """What ``make`` makes of it in this round."""
        if self._trajectories is None:
            self._trajectories = make()
        return self._trajectories


class Kept:
    """Samples of one round at a time; None for a share that could not be sampled."""

    def __init__(self) -> None:
        self._round: Round | None = None
        self._samples: dict[ShareKey, Sample | None] = {}
        self._lock = threading.Lock()

    def put(self, at: Round, key: ShareKey, sample: Sample | None) -> None:
        """Keep it, and nothing of earlier rounds. Threads of a rank may call this at once."""
        with self._lock:
            if at != self._round:
                self._round, self._samples = at, {}
            self._samples[key] = sample

    def has(self, at: Round, key: ShareKey) -> bool:
        """Whether a share of this round was sampled here."""
        return at == self._round and key in self._samples

    def of(self, at: Round, key: ShareKey) -> Sample | None:
        """That of a share which was."""
        return self._samples[key]

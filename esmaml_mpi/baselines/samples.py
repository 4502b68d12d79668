"""A rank's trajectories of the tasks it has sampled in the current iteration."""

import threading
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from esmaml_mpi.reproducibility.randomness import Round

if TYPE_CHECKING:
    from esmaml_mpi.baselines.trajectories import Trajectories


class Sample(NamedTuple):
    """Of one task: Trajectories of each adaptation step, those of the adapted policy, and its parameters (d,)."""

    supports: "tuple[Trajectories, ...]"
    query: "Trajectories"
    adapted: np.ndarray


class Kept:
    """Samples by task id, of one round at a time; None for a task that could not be sampled."""

    def __init__(self) -> None:
        self._round: Round | None = None
        self._samples: dict[int, Sample | None] = {}
        self._lock = threading.Lock()

    def put(self, at: Round, task: int, sample: Sample | None) -> None:
        """Keep it, and nothing of earlier rounds. Threads of a rank may call this at once."""
        with self._lock:
            if at != self._round:
                self._round, self._samples = at, {}
            self._samples[int(task)] = sample

    def has(self, at: Round, task: int) -> bool:
        """Whether a task of this round was sampled here."""
        return at == self._round and int(task) in self._samples

    def of(self, at: Round, task: int) -> Sample | None:
        """That of a task which was."""
        return self._samples[int(task)]

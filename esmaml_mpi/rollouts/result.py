"""What came of episodes that were simulated."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from esmaml_mpi.rollouts.faults import Fault


@dataclass(frozen=True)
class RolloutResult:
    """Outcome of B rollouts.

    ``returns`` (B,), or (T, B) where each was priced for T tasks; ``lengths`` (B,) steps, until the last one ended.
    ``observation_sums`` (2n, B): over the steps acted upon, of each observation and then of its square.
    Only if asked for: ``observations`` (horizon + 1, n, B), of which those after row ``lengths[b]``, where episode b
    ended, mean nothing; and ``rewards`` (horizon, B), 0 after it, unless they were priced for several tasks.
    ``faults``: of columns in which a number is not finite, or too large, which one. Only of policies that see their
    rewards: ``memory`` (s, B), what they remember after their episodes.
    ``successes`` (B,) of families that report them, 1 or 0 each, or nan where an episode does not say.
    """

    returns: np.ndarray
    lengths: np.ndarray
    observation_sums: np.ndarray
    observations: np.ndarray | None = None
    rewards: np.ndarray | None = None
    faults: Mapping[int, Fault] = field(default_factory=dict)
    memory: np.ndarray | None = None
    successes: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: Sequence["RolloutResult"]) -> "RolloutResult":
        """Those of consecutive columns."""
        if len(parts) == 1:
            return parts[0]
        starts = itertools.accumulate((len(part.lengths) for part in parts), initial=0)
        return cls(
            np.concatenate([part.returns for part in parts], axis=-1),
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([part.observation_sums for part in parts], axis=1),
            _joined([part.observations for part in parts]),
            _joined([part.rewards for part in parts]),
            {a + b: fault for a, part in zip(starts, parts, strict=False) for b, fault in part.faults.items()},
            _joined([part.memory for part in parts]),
            _joined([part.successes for part in parts]),
        )

    def first(self) -> "RolloutResult":
        """That of the first column."""
        optional = self.observations, self.rewards, self.memory, self.successes
        observations, rewards, memory, successes = (None if each is None else each[..., :1] for each in optional)
        faults = {column: fault for column, fault in self.faults.items() if column == 0}
        sums = self.observation_sums[:, :1]
        returns, lengths = self.returns[..., :1], self.lengths[:1]
        return RolloutResult(returns, lengths, sums, observations, rewards, faults, memory, successes)


def _joined(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """Columns side by side; None if a part has none."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known, axis=-1) if len(known) == len(parts) else None

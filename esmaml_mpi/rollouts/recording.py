"""Whole episodes, for what learns from more than their total rewards."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.rollouts.result import RolloutResult
from esmaml_mpi.rollouts.simulate import FEWEST


@dataclass(frozen=True)
class Recording:
    """E episodes of each of T tasks of U units, of at most H steps each.

    ``observations`` (U, T, E, n, H), as policies saw them; ``actions`` (U, T, E, m, H), as they chose them;
    ``rewards`` (U, T, E, H). ``weights`` (U, T, E, H) are 1 until the step that ends an episode, and 0 after it, where
    all other arrays are 0 too. ``policy`` is what chose.
    """

    policy: AnyPolicy
    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls,
        policy: AnyPolicy,
        parameters: np.ndarray,
        observer: Observer,
        result: RolloutResult,
        shape: tuple[int, int],
    ) -> "Recording":
        """Of a recorded result whose columns are (unit, task, episode), units and tasks being ``shape``.

        ``parameters`` (.., B) are what was simulated: what was chosen at each step is worked out again, to the same
        bits, so that rollouts which are not recorded need not keep it. A lone column is doubled, as it was then.
        """
        assert result.observations is not None and result.rewards is not None
        seen = result.observations[:-1]
        lasts = np.arange(len(seen))[:, None] < result.lengths
        np.copyto(seen, 0.0, where=~lasts[:, None])
        shown = seen
        if parameters.shape[1] == 1:
            parameters, shown = (np.repeat(array, FEWEST, axis=-1) for array in (parameters, seen))
        act, count = policy.bind(parameters, observer.mean, observer.std).act, seen.shape[-1]
        actions = np.stack([act(each)[:, :count] * goes_on for each, goes_on in zip(shown, lasts, strict=True)])
        scaled = (seen - observer.mean[:, None]) / observer.std[:, None] * lasts[:, None]

        def arranged(array: np.ndarray) -> np.ndarray:
            """(H, .., B) -> (U, T, E, .., H)"""
            last = np.moveaxis(array, (-1, 0), (0, -1))
            return np.ascontiguousarray(last).reshape(*shape, -1, *last.shape[1:])

        return cls(policy, arranged(scaled), arranged(actions), arranged(result.rewards), arranged(lasts * 1.0))

    @property
    def finite(self) -> np.ndarray:
        """Whether all that was recorded of a unit's task is finite, (U, T)."""
        parts = [self.observations, self.actions, self.rewards]
        finite: np.ndarray = np.all([np.isfinite(part).all(axis=tuple(range(2, part.ndim))) for part in parts], axis=0)
        return finite

    @property
    def returns(self) -> np.ndarray:
        """Total rewards (U, T, E)."""
        returns: np.ndarray = np.add.reduce(self.rewards, axis=-1)
        return returns

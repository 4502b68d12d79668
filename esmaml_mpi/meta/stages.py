"""What an algorithm asks of all ranks, and what it makes of their answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Round


@dataclass(frozen=True)
class Stage:
    """One round of collectives: ``units`` units of work, each of which returns a row of ``width`` numbers.

    ``payload``, a vector of any length, is sent to every rank beside theta.
    """

    number: int = 0  # of an algorithm's stages, which one
    units: int = 0
    width: int = 1
    payload: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Combination:
    """Weighted sums of an iteration's directions, sum_i weights[s, i] g_si (d,) for each of S slots.

    Its answer is (S, d), the same bits whether rank 0 sums or all ranks share the work. A slot is a task where tasks
    have directions of their own. ``weights`` (S, m) are 0 for directions that are left out.
    """

    number: int  # of an algorithm's sets of directions, which one
    weights: np.ndarray

    @cached_property
    def addends(self) -> np.ndarray:
        """Flat indices into weights of the directions that enter."""
        return np.flatnonzero(np.where(self.finite[:, None], self.weights, 0.0))

    @property
    def finite(self) -> np.ndarray:
        """Which slots (S,) have a sum; it is nan elsewhere."""
        found: np.ndarray = np.isfinite(self.weights).all(axis=1)
        return found


@dataclass(frozen=True)
class Request:
    """What rank 0 asks of all ranks in one round: the training units of ``stage``, if any, and test units or not."""

    iteration: int
    attempt: int
    stage: Stage | None
    test: bool
    theta: np.ndarray
    observer: Observer
    subspace: Subspace | None = None  # where a sampler of directions uses it

    @property
    def asked(self) -> Stage:
        """The stage, for those who work on one."""
        assert self.stage is not None
        return self.stage

    @property
    def round(self) -> Round:
        """The key of its training units."""
        return Round(Phase.TRAIN, self.iteration, self.attempt)


class Step(NamedTuple):
    """What an iteration comes to.

    ``gradient`` (d,) is the direction in which the optimizer steps; None if too many evaluations failed to form it.
    ``values`` (E,) of all evaluations, nan where one failed, go into the results, as does ``meta_value``: the adapted
    reward of the current meta-policy. ``unit_sums`` are for algorithms whose units keep observation statistics.
    ``stays`` says why the gradient is 0, where that does not mean that rewards do not differ. ``kept`` is for
    algorithms that remember something, and ``reused`` for those that use evaluations of earlier iterations: how many
    these count for.
    """

    gradient: np.ndarray | None
    values: np.ndarray
    meta_value: float
    unit_sums: np.ndarray | None = None
    stays: str = ""
    kept: Mapping[str, np.ndarray] | None = None
    reused: float = math.nan

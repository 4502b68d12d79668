"""What an algorithm asks of all ranks, and what it makes of their answers."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Stage:
    """One round of collectives: ``units`` units of work, each of which returns a row of ``width`` numbers.

    ``payload``, a vector of any length, is sent to every rank beside theta.
    """

    number: int = 0  # of an algorithm's stages, which one
    units: int = 0
    width: int = 1
    payload: np.ndarray = field(default_factory=lambda: np.empty(0))


class Step(NamedTuple):
    """What an iteration comes to.

    ``gradient`` (d,) is the direction in which the optimizer steps; None if too many evaluations failed to form it.
    ``values`` (E,) of all evaluations, nan where one failed, go into the results, as does ``meta_value``: the adapted
    reward of the current meta-policy. ``unit_sums`` are for algorithms whose units keep observation statistics.
    ``stays`` says why the gradient is 0, where that does not mean that rewards do not differ.
    """

    gradient: np.ndarray | None
    values: np.ndarray
    meta_value: float
    unit_sums: np.ndarray | None = None
    stays: str = ""

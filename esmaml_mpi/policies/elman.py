"""Elman's network (1990), the simplest recurrent policy: h' = tanh(W [x; h] + b)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.policies.recurrent import BoundRecurrent, Recurrent


@dataclass(frozen=True)
class Elman(Recurrent):
    """A state of tanh units, each fed by all of them."""

    architecture = "elman"

    @cached_property
    def cell(self) -> tuple[Policy, ...]:
        """One layer."""
        return (Policy(self.observation_size + self.state_size, self.state_size),)

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> "BoundElman":
        """See ``Policy.bind``."""
        return BoundElman(self, parameters, mean, std)


class BoundElman(BoundRecurrent):
    """A batch of them."""

    def __init__(self, policy: Elman, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray):
        super().__init__(policy, parameters, mean, std)
        self._layer = policy.cell[0].bind(self._of_cell[0], self._mean, self._std)

    def _remember(self) -> None:
        self._state[...] = self._layer.act(self._inputs)

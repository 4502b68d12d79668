"""The gated recurrent unit of Cho et al. 2014 (arXiv 1406.1078):

    z, r = sigmoid(W [x; h] + b)        what is kept of the state, and what of it is looked at
    c = tanh(V [x; r h] + a)
    h' = c + z (h - c)

sigmoid(y) = (tanh(y / 2) + 1) / 2, so that tanh is all it needs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.policies.recurrent import BoundRecurrent, Recurrent

_HALF = np.array(0.5)
KEEPING = 1.0  # initial bias of z: it begins with keeping more than it forgets


@dataclass(frozen=True)
class Gru(Recurrent):
    """Gates decide what is kept of the state and what is new."""

    architecture = "gru"

    @cached_property
    def cell(self) -> tuple[Policy, ...]:
        """The layer of both gates, z before r, and the layer of candidates."""
        inputs = self.observation_size + self.state_size
        return Policy(inputs, 2 * self.state_size), Policy(inputs, self.state_size)

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """See ``Recurrent.initial``; the biases of z are 1."""
        found = super().initial(generator, output_gain)
        biases = found[: self.cell[0].size][-2 * self.state_size :]
        biases[: self.state_size] = KEEPING
        return found

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> "BoundGru":
        """See ``Policy.bind``."""
        return BoundGru(self, parameters, mean, std)


class BoundGru(BoundRecurrent):
    """A batch of them."""

    def __init__(self, policy: Gru, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray):
        super().__init__(policy, parameters, mean, std)
        gates, candidates = self._of_cell
        self._gates = policy.cell[0].bind(gates * _HALF, self._mean, self._std)  # the halves of sigmoid; exact
        self._candidates = policy.cell[1].bind(candidates, self._mean, self._std)
        self._looked_at = np.empty(self._inputs.shape)  # [x; r h]
        self._size = policy.observation_size

    def _remember(self) -> None:
        state = self._state
        gates = self._gates.act(self._inputs)
        np.multiply(gates, _HALF, out=gates)
        np.add(gates, _HALF, out=gates)
        keep, look = gates[: len(state)], gates[len(state) :]
        self._looked_at[: self._size] = self._seen
        np.multiply(look, state, out=self._looked_at[self._size :])
        new = self._candidates.act(self._looked_at)
        np.subtract(state, new, out=state)
        np.multiply(state, keep, out=state)
        np.add(state, new, out=state)

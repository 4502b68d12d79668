"""What recurrent policies share: a cell, whose state is what plain layers make actions of.

A cell is made of plain layers too, of inputs [x; h]: the observation (n,), normalised, and the state (s,). So it has
their arithmetic: the same bits in any batch of at least two columns, on every processor, compiled or in NumPy.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import Bound
from esmaml_mpi.policies.mlp import Policy


@dataclass(frozen=True)
class Recurrent:
    """Architecture: ``hidden`` has the width s of the cell, then those of plain layers between it and the actions.

    A flat vector holds the layers of the cell, as ``Policy`` has its own, then those of ``head``. Episodes begin with a
    state of zeros.
    """

    observation_size: int
    action_size: int
    hidden: tuple[int, ...] = (32,)
    activation: str = "relu"
    output: str = "tanh"

    architecture: ClassVar[str]
    noise_per_step = 0

    def __post_init__(self) -> None:
        if not self.hidden:
            raise ConfigError(
                f"policy.hidden = []: policy.architecture = {self.architecture!r} has the width of its cell first, so "
                "that at least one is wanted."
            )

    @property
    def state_size(self) -> int:
        """Numbers s that it remembers."""
        return self.hidden[0]

    @cached_property
    def cell(self) -> tuple[Policy, ...]:
        """The layers of the cell, of n + s inputs."""
        raise NotImplementedError

    @cached_property
    def head(self) -> Policy:
        """The layers from the state to the actions."""
        return Policy(self.state_size, self.action_size, self.hidden[1:], self.activation, self.output)

    @cached_property
    def size(self) -> int:
        """Number of parameters d."""
        return sum(layer.size for layer in self.cell) + self.head.size

    @property
    def first_biases(self) -> np.ndarray:
        """Which parameters are the biases of the cell."""
        starts = np.cumsum([0, *(layer.size for layer in self.cell[:-1])])
        return np.concatenate([start + layer.first_biases for start, layer in zip(starts, self.cell, strict=True)])

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """Initial parameters (d,).

        Weights of the cell N(0, 1 / inputs), so that states neither die out nor explode; those of the head as in
        ``Policy.initial``.
        """
        parts = [layer.initial(generator) * np.sqrt(0.5) for layer in self.cell]
        return np.concatenate([*parts, self.head.initial(generator, output_gain)])

    def split(self, parameters: np.ndarray) -> list[np.ndarray]:
        """Parameters (d, ..) of each layer of the cell, then those of the head."""
        edges = np.cumsum([layer.size for layer in self.cell])
        return np.split(parameters[: self.size], edges)

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> "BoundRecurrent":
        """See ``Policy.bind``."""
        raise NotImplementedError


class BoundRecurrent:
    """A batch of recurrent policies with its scratch arrays, made to act many times."""

    def __init__(self, policy: Recurrent, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray):
        size, count = policy.observation_size, policy.state_size
        *self._of_cell, self._of_head = policy.split(parameters)
        # The state is not normalised.
        self._mean = np.concatenate([mean, np.zeros((count, *mean.shape[1:]))])
        self._std = np.concatenate([std, np.ones((count, *std.shape[1:]))])
        self._head: Bound = policy.head.bind(self._of_head, np.zeros(count), np.ones(count))
        # What the first layer is given, [x; h]: the state is kept where it is needed next.
        self._inputs = np.zeros((size + count, parameters.shape[1]))
        self._seen, self._state = self._inputs[:size], self._inputs[size:]

    @property
    def state(self) -> np.ndarray:
        """What it remembers, a copy (s, B)."""
        return self._state.copy()

    @state.setter
    def state(self, values: np.ndarray) -> None:
        self._state[...] = values

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        self._seen[...] = observations
        self._remember()
        return self._head.act(self._state)

    def _remember(self) -> None:
        """The next state, of [x; h], in place."""
        raise NotImplementedError

"""Plain layers that see the time beside the observation.

In an episode of finite length the best action depends on the time (Pardo et al. 2018, arXiv 1712.00378), all the more
where the observation does not say what has been done already. The time is shown as hat functions: ``nodes`` of them,
``every`` steps apart. What is learned of one is of no account but near it, so that the end of an episode can change
while its beginning stays as it is.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import Bound
from esmaml_mpi.policies.mlp import Policy


@dataclass(frozen=True)
class Timed:
    """Architecture: the layers of ``Policy``, with inputs [observation (n,), hats (``nodes``,)].

    Hat i is ``scale`` max(0, 1 - |t / every - i|) at step t: two neighbours share each step. After the last node time
    stands still. The hats are not normalised. The larger ``scale``, the further a change of a weight moves what is done
    at a time, beside one of a weight of the observation.
    """

    observation_size: int
    action_size: int
    hidden: tuple[int, ...] = (32,)
    activation: str = "relu"
    output: str = "tanh"
    nodes: int = 21
    every: int = 10
    scale: float = 10.0

    architecture: ClassVar[str] = "timed"
    noise_per_step = 0
    state_size = 1  # the number of steps so far

    def __post_init__(self) -> None:
        for key, least in (("nodes", 2), ("every", 1)):
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(f"policy.options.{key} = {value!r}: an integer of at least {least} is wanted.")
        if not isinstance(self.scale, int | float) or isinstance(self.scale, bool) or not 0 < self.scale < math.inf:
            raise ConfigError(f"policy.options.scale = {self.scale!r}: a number above 0 is wanted.")

    @cached_property
    def layers(self) -> Policy:
        """The plain layers, of n + nodes inputs."""
        return Policy(self.observation_size + self.nodes, self.action_size, self.hidden, self.activation, self.output)

    @property
    def size(self) -> int:
        """Number of parameters d."""
        return self.layers.size

    @property
    def first_biases(self) -> np.ndarray:
        """Which parameters are the biases of the first layer."""
        return self.layers.first_biases

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """Initial parameters (d,), as ``Policy.initial`` has them."""
        return self.layers.initial(generator, output_gain)

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> "BoundTimed":
        """See ``Policy.bind``."""
        return BoundTimed(self, parameters, mean, std, step)


class BoundTimed:
    """A batch of them."""

    def __init__(self, policy: Timed, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int):
        size, nodes, batch = policy.observation_size, policy.nodes, parameters.shape[1]
        mean = np.concatenate([mean, np.zeros((nodes, *mean.shape[1:]))])
        std = np.concatenate([std, np.ones((nodes, *std.shape[1:]))])
        self._layers: Bound = policy.layers.bind(parameters, mean, std)
        self._places, self._every, self._scale = np.arange(nodes, dtype=float)[:, None], policy.every, policy.scale
        self._inputs = np.zeros((size + nodes, batch))
        self._seen, self._hats = self._inputs[:size], self._inputs[size:]
        self.state = np.full((1, batch), float(step))

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        self._seen[...] = observations
        time = np.minimum(self.state / self._every, self._places[-1])
        self._hats[...] = self._scale * np.maximum(1.0 - np.abs(time - self._places), 0.0)
        self.state = self.state + 1.0
        return self._layers.act(self._inputs)

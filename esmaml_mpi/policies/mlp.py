"""Deterministic linear and MLP policies over flat parameter vectors, one parameter vector per simulation.

Batch axis last: a batch of parameters is (d, B), observations are (n, B), actions (m, B). Each column's arithmetic is
the same in any batch of at least two columns, so results do not depend on how simulations are grouped.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# A zero-dimensional array: NumPy would convert a Python float at every call.
_ZERO = np.array(0.0)

# Each works in place.
Squash = Callable[[np.ndarray], np.ndarray]
ACTIVATIONS: dict[str, Squash] = {"relu": lambda x: np.maximum(x, _ZERO, out=x), "tanh": lambda x: np.tanh(x, out=x)}
OUTPUTS: dict[str, Squash] = {"tanh": ACTIVATIONS["tanh"], "identity": lambda x: x}


@dataclass(frozen=True)
class Policy:
    """Architecture: layer widths, hidden activation and output squashing.

    A flat vector holds, layer by layer, the weights (inputs, outputs) in row-major order, then the biases.
    """

    observation_size: int
    action_size: int
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    output: str = "tanh"

    noise_per_step = 0  # standard normals that it needs to choose an action

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer."""
        widths = [self.observation_size, *self.hidden, self.action_size]
        return list(itertools.pairwise(widths))

    @property
    def size(self) -> int:
        """Number of parameters d."""
        return sum((inputs + 1) * outputs for inputs, outputs in self.layers)

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """Initial parameters (d,).

        Weights N(0, 2 / inputs of the layer), those of the last layer times ``output_gain``; biases 0.
        """
        parts = []
        for i, (inputs, outputs) in enumerate(self.layers, start=1):
            gain = output_gain if i == len(self.layers) else 1.0
            parts.append(generator.standard_normal(inputs * outputs) * (gain * np.sqrt(2.0 / inputs)))
            parts.append(np.zeros(outputs))
        return np.concatenate(parts)

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> "BoundPolicy":
        """Policies of a batch, ready to act: parameters (d, B), observation mean and std (n,) or (n, B).

        ``step`` is the one at which they begin, for policies to which it makes a difference.
        """
        return BoundPolicy(self, parameters, mean, std)


class BoundPolicy:
    """A batch of policies with its scratch arrays, made to act many times.

    A layer's biases lie behind its weights in the flat vector, so (inputs + 1, outputs, B) is one view, and a layer
    whose input ends in a row of ones is one call.
    """

    def __init__(self, policy: Policy, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray):
        batch = parameters.shape[1]
        inputs, outputs = policy.layers[0]
        # W ((s - mean) / std) + b = (W / std) s + (b - (W / std) mean): the division is done once, not at every step.
        first = parameters[: (inputs + 1) * outputs].reshape(inputs + 1, outputs, batch).copy()
        first[:-1] /= std.reshape(inputs, 1, -1)
        first[-1] -= np.add.reduce(first[:-1] * mean.reshape(inputs, 1, -1), axis=0)
        self.first, self.bias = first[:-1], first[-1]
        self.out = np.ones((outputs + 1, batch))
        activate, finish = ACTIVATIONS[policy.activation], OUTPUTS[policy.output]
        self.squash = finish if len(policy.layers) == 1 else activate
        self.deeper, source, start = [], self.out, first.shape[0] * outputs
        for i, (inputs, outputs) in enumerate(policy.layers[1:], start=2):
            stop = start + (inputs + 1) * outputs
            weights = parameters[start:stop].reshape(inputs + 1, outputs, batch)
            target = np.ones((outputs + 1, batch))
            self.deeper.append((weights, source, target[:-1], finish if i == len(policy.layers) else activate))
            source, start = target, stop
        self.out, self.actions = self.out[:-1], source[:-1]

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        # einsum multiplies and adds in one pass, input by input, column by column (checked bit for bit in tests).
        np.einsum("iob,ib->ob", self.first, observations, out=self.out)
        np.add(self.out, self.bias, out=self.out)
        self.squash(self.out)
        for weights, source, target, squash in self.deeper:
            np.einsum("iob,ib->ob", weights, source, out=target)
            squash(target)
        return self.actions

"""Deterministic linear and MLP policies over flat parameter vectors, one parameter vector per simulation.

Batch axis last: a batch of parameters is (d, B), observations are (n, B), actions (m, B). Each column's arithmetic is
the same in any batch of at least two columns, so results do not depend on how simulations are grouped.
"""

import itertools
from dataclasses import dataclass

import numpy as np

ACTIVATIONS = {"relu": lambda x: np.maximum(x, 0.0, out=x), "tanh": lambda x: np.tanh(x, out=x)}
OUTPUTS = {"tanh": lambda x: np.tanh(x, out=x), "identity": lambda x: x}


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
        """Initial parameters (d,):

        weights N(0, 2 / inputs of the layer), those of the last layer times ``output_gain``; biases 0.
        """
        parts = []
        for i, (inputs, outputs) in enumerate(self.layers, start=1):
            gain = output_gain if i == len(self.layers) else 1.0
            parts.append(generator.standard_normal(inputs * outputs) * (gain * np.sqrt(2.0 / inputs)))
            parts.append(np.zeros(outputs))
        return np.concatenate(parts)

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray) -> "BoundPolicy":
        """Policies of a batch, ready to act: parameters (d, B), observation mean and std (n,)."""
        return BoundPolicy(self, parameters, mean, std)


class BoundPolicy:
    """A batch of policies with its scratch arrays."""

    def __init__(self, policy: Policy, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray):
        batch = parameters.shape[1]
        self.layers, start = [], 0
        for inputs, outputs in policy.layers:
            stop = start + inputs * outputs
            weights = parameters[start:stop].reshape(inputs, outputs, batch)
            bias = parameters[stop : stop + outputs]
            self.layers.append((weights, bias, np.empty((outputs, batch))))
            start = stop + outputs
        # W ((s - mean) / std) + b = (W / std) s + (b - (W / std) mean): the division is done once, not at every step.
        weights, bias, scratch = self.layers[0]
        weights = weights / std[:, None, None]
        bias = bias - np.add.reduce(weights * mean[:, None, None], axis=0)
        self.layers[0] = weights, bias, scratch
        self.activate = ACTIVATIONS[policy.activation]
        self.squash = OUTPUTS[policy.output]

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        layer_input = observations
        for i, (weights, bias, out) in enumerate(self.layers):
            if i:
                self.activate(layer_input)
            # One fused pass over the weights; it adds inputs in order, column by column (checked bit for bit in tests).
            np.einsum("iob,ib->ob", weights, layer_input, out=out)
            np.add(out, bias, out=out)
            layer_input = out
        return self.squash(layer_input)

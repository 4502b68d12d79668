"""Deterministic linear and MLP policies over flat parameter vectors, one parameter vector per simulation.

Batch axis last: a batch of parameters is (d, B), observations are (n, B), actions (m, B). Each column's arithmetic is
the same in any batch of at least two columns, so results do not depend on how simulations are grouped.

The arithmetic of a layer: products of weights and inputs are rounded, those of even inputs are summed in turn, those of
odd inputs too, then come the sum of both and the bias. Nothing is fused, and tanh is the project's own, so the bits are
the same on every processor. ``BoundPolicy`` is that in NumPy; compiled kernels are held to it.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from esmaml_mpi.native.door import kernels
from esmaml_mpi.native.elementary import tanh
from esmaml_mpi.native.network import CompiledPolicy, shape_of
from esmaml_mpi.policies.contract import Bound

# A zero-dimensional array: NumPy would convert a Python float at every call.
_ZERO = np.array(0.0)

# Each works in place.
Squash = Callable[[np.ndarray], np.ndarray]
ACTIVATIONS: dict[str, Squash] = {"relu": lambda x: np.maximum(x, _ZERO, out=x), "tanh": lambda x: tanh(x, out=x)}
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

    architecture = "mlp"
    noise_per_step = 0  # standard normals that it needs to choose an action
    state_size = 0  # it remembers nothing

    @cached_property
    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer."""
        widths = [self.observation_size, *self.hidden, self.action_size]
        return list(itertools.pairwise(widths))

    @cached_property
    def size(self) -> int:
        """Number of parameters d."""
        return sum((inputs + 1) * outputs for inputs, outputs in self.layers)

    @property
    def first_biases(self) -> np.ndarray:
        """Which parameters are the biases of the first layer; of a linear policy, those of its outputs."""
        inputs, outputs = self.layers[0]
        return np.arange(inputs * outputs, (inputs + 1) * outputs)

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

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> Bound:
        """Policies of a batch, ready to act: parameters (d, B), observation mean and std (n,) or (n, B).

        ``step`` is the one at which they begin, for policies to which it makes a difference.
        """
        chosen = kernels()
        if chosen:
            return CompiledPolicy(chosen, self._shape, parameters, mean, std)
        return BoundPolicy(self, parameters, mean, std)

    @cached_property
    def _shape(self) -> np.ndarray:
        widths = [self.observation_size, *self.hidden, self.action_size]
        return shape_of(widths, self.activation, self.output)


class BoundPolicy:
    """A batch of policies with its scratch arrays, made to act many times."""

    def __init__(self, policy: Policy, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray):
        batch = parameters.shape[1]
        activate, finish = ACTIVATIONS[policy.activation], OUTPUTS[policy.output]
        self.layers, start = [], 0
        for i, (inputs, outputs) in enumerate(policy.layers, start=1):
            stop = start + inputs * outputs
            weights = parameters[start:stop].reshape(inputs, outputs, batch)
            # No bias is -0, hence no sum is: which zero relu makes of that would be the processor's choice.
            bias = parameters[stop : stop + outputs] + _ZERO
            if i == 1:
                # W ((s - mean) / std) + b = (W / std) s + (b - (W / std) mean): one division, not one at every step.
                weights = weights / std.reshape(inputs, 1, -1)
                bias -= np.add.reduce(np.multiply(weights, mean.reshape(inputs, 1, -1), order="C"), axis=0)
            products, *sums = np.empty(weights.shape), np.empty(bias.shape), np.empty(bias.shape)
            self.layers.append((weights, bias, products, *sums, finish if i == len(policy.layers) else activate))
            start = stop + outputs

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        values = observations
        for weights, bias, products, odd, out, squash in self.layers:
            np.multiply(weights, values[:, None], out=products)
            np.add.reduce(products[::2], axis=0, out=out)
            if len(products) > 1:
                np.add(out, np.add.reduce(products[1::2], axis=0, out=odd), out=out)
            values = squash(np.add(out, bias, out=out))
        return values

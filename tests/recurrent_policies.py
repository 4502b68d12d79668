"""Recurrent policies: the formulas in plain Python numbers, and policies as users bring them.

The classes are registered as ``recurrent_policies:NAME``; nothing of the formulas is the package's.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np


def layer(theta, inputs, outputs, values):
    """Sums of a plain layer, whose parameters are taken off ``theta``."""
    weights, biases = theta[: inputs * outputs], theta[inputs * outputs : (inputs + 1) * outputs]
    del theta[: (inputs + 1) * outputs]
    return [sum(v * weights[i * outputs + o] for i, v in enumerate(values)) + biases[o] for o in range(outputs)]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


class PlainRecurrent:
    """A GRU or an Elman network of one vector of parameters, one observation at a time."""

    def __init__(self, architecture, theta, inputs, hidden, outputs, mean=None, std=None):
        self.architecture, self.theta, self.inputs, self.hidden, self.outputs = (
            architecture,
            list(theta),
            inputs,
            hidden,
            outputs,
        )
        self.mean, self.std = mean if mean is not None else [0.0] * inputs, std if std is not None else [1.0] * inputs
        self.h = [0.0] * hidden[0]

    def __call__(self, observation):
        theta, n, s, h = list(self.theta), self.inputs, self.hidden[0], self.h
        x = [(o - m) / d for o, m, d in zip(observation, self.mean, self.std, strict=True)]
        if self.architecture == "elman":
            self.h = [math.tanh(v) for v in layer(theta, n + s, s, x + h)]
        else:
            gates = [sigmoid(v) for v in layer(theta, n + s, 2 * s, x + h)]
            z, r = gates[:s], gates[s:]
            c = [math.tanh(v) for v in layer(theta, n + s, s, x + [a * b for a, b in zip(r, h, strict=True)])]
            self.h = [z * old + (1 - z) * new for z, old, new in zip(z, h, c, strict=True)]
        values = self.h
        widths = [*self.hidden, self.outputs]
        for i, (a, b) in enumerate(itertools.pairwise(widths), start=1):
            values = layer(theta, a, b, values)
            values = [math.tanh(v) if i == len(widths) - 1 else max(v, 0.0) for v in values]
        assert not theta
        return values


@dataclass(frozen=True)
class ByTheBook:
    """A trace of observations, and a linear layer of it, as a user writes it who knows size, initial and bind alone."""

    observation_size: int
    action_size: int
    hidden: tuple = ()
    activation: str = "relu"
    output: str = "tanh"

    noise_per_step = 0

    @property
    def size(self):
        return self.observation_size * self.action_size + 1

    def initial(self, generator, output_gain=1.0):
        return generator.standard_normal(self.size) * 0.5 * output_gain

    def bind(self, parameters, mean, std, step=0):
        return Trace(self, parameters, mean, std)


class Trace:
    def __init__(self, policy, parameters, mean, std):
        self.weights = parameters[:-1].reshape(policy.observation_size, policy.action_size, -1)
        self.rate = 1 / (1 + np.abs(parameters[-1]))
        self.mean, self.std = mean.reshape(len(mean), -1), std.reshape(len(std), -1)
        self.state = np.zeros((policy.observation_size, parameters.shape[1]))

    def act(self, observations):
        seen = (observations - self.mean) / self.std
        self.state = self.state + self.rate * (seen - self.state)
        return np.clip(np.add.reduce(self.weights * self.state[:, None], axis=0), -1, 1)


class WithState(ByTheBook):
    """The same, which says what it remembers."""

    @property
    def state_size(self):
        return self.observation_size


class Denies(ByTheBook):
    """The same, which says that it remembers nothing."""

    state_size = 0


class Forgetful(ByTheBook):
    """It says what it remembers, but not all of it."""

    @property
    def state_size(self):
        return self.observation_size

    def bind(self, parameters, mean, std, step=0):
        return TwoTraces(self, parameters, mean, std)


class TwoTraces(Trace):
    older = 0.0

    def act(self, observations):
        self.older, found = self.state.copy(), super().act(observations)
        self.count = getattr(self, "count", 0) + 1
        return found * self.count


class Misshapen(WithState):
    """Its state has a row too many."""

    @property
    def state_size(self):
        return self.observation_size - 1

"""What rollouts are compared with: one simulation at a time, policy then task, as published ES-MAML code does it."""

import itertools

import numpy as np


class PlainPolicy:
    """An MLP with tanh output over one flat parameter vector."""

    def __init__(self, widths, parameters, mean, std):
        self.layers, start = [], 0
        for inputs, outputs in itertools.pairwise(widths):
            stop = start + inputs * outputs
            self.layers.append((parameters[start:stop].reshape(inputs, outputs).T, parameters[stop : stop + outputs]))
            start = stop + outputs
        self.mean, self.std = mean, std

    def act(self, observation):
        x = (observation - self.mean) / self.std
        for i, (weights, bias) in enumerate(self.layers):
            if i:
                x = np.maximum(x, 0.0)
            x = np.dot(weights, x) + bias
        return np.tanh(x)


class PlainFourCorners:
    """The released four-corner task, one step at a time."""

    def __init__(self, goal):
        self.goal = goal

    def reset(self):
        self.position = np.zeros(2)
        return self.position

    def step(self, action):
        self.position = np.clip(self.position + np.clip(action, -0.1, 0.1), -5.0, 5.0)
        offset = self.position - self.goal
        reward = -4.0 + max(0.0, 4.0 - np.dot(offset, offset))
        return self.position, reward, False


def rollout(policy, task, horizon):
    """Total reward, and the sums that state normalisation needs."""
    observation = task.reset()
    total, sums, squares = 0.0, np.zeros(2), np.zeros(2)
    for _ in range(horizon):
        sums += observation
        squares += observation * observation
        observation, reward, done = task.step(policy.act(observation))
        total += reward
        if done:
            break
    return total, sums, squares

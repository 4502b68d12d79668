"""A task family, an operator and a policy of one's own. Once this is installed, `esmaml` knows them by the names in
pyproject.toml: `esmaml train line.toml`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import AdaptationSettings, operator_setting


@dataclass(frozen=True)
class Line:
    """Move along a line to a goal that is not observed."""

    horizon: int = 20
    width: float = setting(1.0, "the farthest goal", above=0)

    name, observation_size, action_size, default_horizon = "line", 1, 1, 20
    task_count, noise_size, batch_limit = None, 0, 1000
    presets: ClassVar = {}

    def task_parameters(self, task_id, generator):
        return generator.uniform(-self.width, self.width, 1)

    def simulation(self, tasks, noise, workspace):
        return Walk(tasks.shape[1])


class Walk:
    """Episodes on the line."""

    running = None

    def __init__(self, batch):
        self.position = np.zeros(batch)

    def reset(self, observation):
        self.position[:] = observation[0] = 0.0

    def step(self, actions, observation):
        self.position += 0.1 * actions[0]
        observation[0] = self.position

    def rewards(self, observations, tasks):
        return -np.abs(observations[1:, 0] - tasks[0]), None


@dataclass(frozen=True)
class BestOf(AdaptationSettings):
    """The best of some policies around theta."""

    operator: str = operator_setting("best_of")
    queries: int = setting(10, "policies that are tried", minimum=1)
    sigma: float = setting(0.3, "how far they are from theta", above=0)

    yields = 1
    queries_at_once = directions_at_once = rollouts = property(lambda self: self.queries)

    def pivot_last(self, step):
        return False

    def adapt(self, theta, normals):
        tries = theta[..., None] + self.sigma * normals(self.queries)
        rewards = yield tries
        return np.take_along_axis(tries, np.argmax(rewards, axis=-1)[None, ..., None], axis=-1)[..., 0]


@dataclass(frozen=True)
class Clipped:
    """Linear, its actions clipped to +-``limit``; hidden layers, activation and output squashing mean nothing to it."""

    observation_size: int
    action_size: int
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    output: str = "tanh"
    limit: float = 1.0

    noise_per_step = 0
    state_size = 0  # it remembers nothing

    @property
    def size(self):
        return (self.observation_size + 1) * self.action_size

    def initial(self, generator, output_gain=1.0):
        return output_gain * generator.standard_normal(self.size)

    def bind(self, parameters, mean, std, step=0):
        return Bound(self, parameters.reshape(self.observation_size + 1, self.action_size, -1), mean, std)


class Bound:
    """The policies of a batch: parameters (n + 1, m, batch)."""

    def __init__(self, policy, parameters, mean, std):
        self.limit, self.weights, self.bias = policy.limit, parameters[:-1], parameters[-1]
        self.mean, self.std = mean.reshape(len(self.weights), -1), std.reshape(len(self.weights), -1)

    def act(self, observations):
        seen = (observations - self.mean) / self.std
        actions = self.bias.copy()
        for weights, row in zip(self.weights, seen, strict=True):  # in this order in any batch
            actions += weights * row
        return np.clip(actions, -self.limit, self.limit, out=actions)

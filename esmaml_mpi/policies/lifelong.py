"""A recurrent policy that sees its rewards and remembers from one episode to the next: what it learns of a task, it
learns while acting.

That is the form of RL^2 (Duan et al. 2016, arXiv 1611.02779): beside the observation it is shown its last action, what
that earned, and whether an episode ended with it.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.policies.contract import AnyPolicy

BESIDE_ACTION = 2  # numbers that are shown beside observation and last action


@dataclass(frozen=True)
class Lifelong:
    """``inner`` takes [observation (n,), last action (m,), last reward times ``reward_scale``, 1 if an episode ended
    with it, else 0]; the last three are not normalised, and 0 before the first step.

    What it remembers is the state of ``inner``, then these three.
    """

    inner: AnyPolicy
    observation_size: int
    action_size: int
    reward_scale: float = 1.0

    noise_per_step = 0
    sees_rewards = True

    @staticmethod
    def inputs(observation_size: int, action_size: int) -> int:
        """Numbers that ``inner`` takes."""
        return observation_size + action_size + BESIDE_ACTION

    @property
    def size(self) -> int:
        """Number of parameters d."""
        return self.inner.size

    @property
    def state_size(self) -> int:
        """Numbers s that it remembers."""
        return self.inner.state_size + self.action_size + BESIDE_ACTION

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """Initial parameters (d,)."""
        return self.inner.initial(generator, output_gain)

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> "BoundLifelong":
        """See ``Policy.bind``. What the policies remember of earlier episodes (s, B) may follow the parameters."""
        return BoundLifelong(self, parameters, mean, std, step)


class BoundLifelong:
    """A batch of them."""

    def __init__(self, policy: Lifelong, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int):
        size, further = policy.observation_size, policy.action_size + BESIDE_ACTION
        mean = np.concatenate([mean, np.zeros((further, *mean.shape[1:]))])
        std = np.concatenate([std, np.ones((further, *std.shape[1:]))])
        self._inner = policy.inner.bind(parameters[: policy.size], mean, std, step)
        self._inputs = np.zeros((size + further, parameters.shape[1]))
        self._seen, self._shown = self._inputs[:size], self._inputs[size:]
        self._scale, self._remembered = policy.reward_scale, policy.inner.state_size
        if len(parameters) > policy.size:
            self.state = parameters[policy.size :]

    @property
    def state(self) -> np.ndarray:
        """What it remembers, a copy (s, B)."""
        return np.concatenate([self._inner.state, self._shown])  # type: ignore[attr-defined]  # it is Remembering

    @state.setter
    def state(self, values: np.ndarray) -> None:
        self._inner.state = values[: self._remembered]  # type: ignore[attr-defined]
        self._shown[...] = values[self._remembered :]

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        self._seen[...] = observations
        actions = self._inner.act(self._inputs)
        self._shown[: len(actions)] = actions  # before the family writes over them
        return actions

    def tell(self, rewards: np.ndarray, over: np.ndarray) -> None:
        """What the last actions have earned (B,), and which episodes (B,) bool ended with them."""
        np.multiply(rewards, self._scale, out=self._shown[-2])
        self._shown[-1] = over

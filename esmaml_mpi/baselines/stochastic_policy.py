"""Policies that act at random: actions N(mean(s), std^2), independent of each other, with a learned std per action.

The mean is one of the core's networks. Baselines of the field leave it linear (``output = "identity"``) and the
environment clips what is too much; probabilities are those of the action before it is clipped.

What acts needs no JAX; ``gaussian_policy.py`` has what is differentiated.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.native.door import exp
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.settings import setting

LEAST_STD = 1e-6
LEAST_LOG_STD = float(np.log(LEAST_STD))


@dataclass(frozen=True)
class StochasticPolicy:
    """A flat vector holds the parameters of ``mean``, then log std of each action.

    Initial std 1 and its floor of 1e-6 are those of ProMP (Rothfuss et al. 2019) and T-MAML's code.
    """

    mean: Policy
    initial_std: float = 1.0

    state_size = 0  # it remembers nothing

    @property
    def size(self) -> int:
        """Number of parameters d."""
        return self.mean.size + self.mean.action_size

    @property
    def observation_size(self) -> int:
        """Observations n."""
        return self.mean.observation_size

    @property
    def noise_per_step(self) -> int:
        """Standard normals that it needs to choose an action."""
        return self.mean.action_size

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """Initial parameters (d,)."""
        log_std = np.full(self.mean.action_size, np.log(self.initial_std))
        return np.concatenate([self.mean.initial(generator, output_gain), log_std])

    def std(self, parameters: np.ndarray) -> np.ndarray:
        """Standard deviations (m, ...) of parameters (d, ...), or of these and further rows."""
        return exp(np.maximum(parameters[self.mean.size : self.size], LEAST_LOG_STD))

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> "BoundStochasticPolicy":
        """See ``Policy.bind``. Standard normals (steps * m, B) follow the parameters, those of all steps of an episode;
        without them the mean is chosen.
        """
        return BoundStochasticPolicy(self, parameters, mean, std, step)


def network_of(policy: AnyPolicy) -> Policy:
    """The network that gives the means of a policy that acts at random, as recorded ones do."""
    assert isinstance(policy, StochasticPolicy)
    return policy.mean


def initial_std_setting() -> float:
    """The key that all algorithms with such policies have. Below the floor a std would never be learned."""
    return setting(1.0, "standard deviation of actions at the start", minimum=LEAST_STD, maximum=1e6)


class BoundStochasticPolicy:
    """A batch of policies, each with the noise of its episode."""

    def __init__(
        self, policy: StochasticPolicy, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int
    ) -> None:
        self._mean, self._std = policy.mean.bind(parameters, mean, std), policy.std(parameters)
        noise = parameters[policy.size :].reshape(-1, policy.noise_per_step, parameters.shape[1])
        self._noise = iter(noise[step:]) if len(noise) else None

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The result is overwritten by the next call."""
        actions = self._mean.act(observations)
        if self._noise is not None:
            actions += self._std * next(self._noise)
        return actions

"""Rewards to advantages: discounted returns, a linear baseline fitted to them, generalised advantage estimation.

Arrays as in ``trajectories.py``: episode axis first, step axis last, weights 0 after the step that ends an episode.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.estimators.rewards import EQUAL
from esmaml_mpi.reproducibility.magnitudes import LARGE, exponents, scaled_by


@dataclass(frozen=True)
class AdvantageEstimation:
    """Defaults are ProMP's and T-MAML's: gamma 0.99, lambda 1, ridge 1e-5, advantages standardised."""

    gamma: float = 0.99
    gae_lambda: float = 1.0
    ridge: float = 1e-5
    normalize: bool = True

    def advantages(self, observations: np.ndarray, rewards: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Advantages (E, T) from observations (E, n, T) and rewards (E, T); 0 after an end.

        The baseline is fitted to these episodes' own returns. After the last step nothing more is earned. Where no
        episode earns more than another from any step on, all are 0: what a baseline leaves of such returns is the
        baseline's own error, which standardising would make as large as any signal.
        """
        if self.normalize and np.abs(rewards).max(initial=0.0) > LARGE:  # their squares would be infinite
            rewards = scaled_by(rewards, -exponents(rewards.ravel()))
        returns = discounted(rewards, weights, self.gamma)
        if _all_the_same(returns, weights):
            return np.zeros(returns.shape)
        values = predicted(observations, returns, weights, self.ridge)
        advantages = gae(rewards, values, weights, self.gamma, self.gae_lambda)
        return standardized(advantages, weights) if self.normalize else advantages


def _all_the_same(returns: np.ndarray, weights: np.ndarray) -> bool:
    """Whether several episodes are of one length and have the same returns (E, T), up to rounding."""
    if len(returns) < 2 or (weights != weights[0]).any():
        return False
    differences = np.abs(returns - returns[0]).max(axis=0)
    return bool((differences <= EQUAL * np.abs(returns).max(axis=0)).all())


def discounted(rewards: np.ndarray, weights: np.ndarray, discount: float) -> np.ndarray:
    """Sums (E, T) of what follows: out_t = rewards_t + discount * out_(t+1), 0 after an end."""
    sums, following = np.zeros(rewards.shape), np.zeros(len(rewards))
    for t in reversed(range(rewards.shape[1])):
        following = np.where(weights[:, t] > 0, rewards[:, t] + discount * following, 0.0)
        sums[:, t] = following
    return sums


def gae(rewards: np.ndarray, values: np.ndarray, weights: np.ndarray, gamma: float, gae_lambda: float) -> np.ndarray:
    """Generalised advantages (E, T) (Schulman et al. 2016, equation 16) from state values (E, T)."""
    following = np.zeros(values.shape)
    following[:, :-1] = np.where(weights[:, 1:] > 0, values[:, 1:], 0.0)
    return discounted(rewards + gamma * following - values, weights, gamma * gae_lambda)


def features(observations: np.ndarray) -> np.ndarray:
    """Features (E, 2n + 4, T) of the linear baseline (Duan et al. 2016): observations within +-10, their squares,
    t / 100 to the powers 1 to 3, and 1.
    """
    episodes, _, steps = observations.shape
    clipped = np.clip(observations, -10.0, 10.0)
    time = np.arange(steps) / 100.0
    powers = np.broadcast_to([time, time**2, time**3, np.ones(steps)], (episodes, 4, steps))
    return np.concatenate([clipped, clipped**2, powers], axis=1)


def predicted(observations: np.ndarray, returns: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """State values (E, T): the ridge regression of returns (E, T) on the features, at the same steps."""
    shown = features(observations)
    counted = shown * weights[:, None]
    # einsum and not BLAS, whose order of additions may depend on its threads.
    gram = np.einsum("eit,ejt->ij", counted, shown) + ridge * np.eye(shown.shape[1])
    coefficients = np.linalg.solve(gram, np.einsum("eit,et->i", counted, returns))
    values: np.ndarray = np.einsum("eit,i->et", shown, coefficients)
    return values


def standardized(advantages: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Minus mean, over population standard deviation (plus 1e-8, as in ProMP), over the steps that count."""
    counted = weights > 0
    taken = advantages[counted]
    return np.where(counted, (advantages - taken.mean()) / (taken.std() + 1e-8), 0.0)

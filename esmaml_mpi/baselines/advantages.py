"""Rewards to advantages: discounted returns, a linear baseline fitted to them, generalised advantage estimation.

Arrays as in ``trajectories.py``: episode axis first, step axis last, weights 0 after the step that ends an episode. A
task's episodes may lie in several places: what is taken over all of them, the fit and the standardisation, goes by
summaries of each share of them.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.baselines.baseline_fit import fitted, predicted, scaling_power, summary
from esmaml_mpi.baselines.moments import joined_moments, moments
from esmaml_mpi.reproducibility.magnitudes import scaled_by


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
        fit = self.fitted(self.summary(observations, rewards, weights)[None], *observations.shape[1:])
        raw = self.raw(observations, rewards, weights, fit)
        return self.standardized(raw, weights, joined_moments(self.moments(raw, weights)[None]))

    def summary(self, observations: np.ndarray, rewards: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """What the fit needs to know of one share, (k,): see ``baseline_fit.py``."""
        power = scaling_power(rewards) if self.normalize else 0
        returns = discounted(scaled_by(rewards, np.array(-power)), weights, self.gamma)
        return summary(observations, returns, weights, power)

    def fitted(self, summaries: np.ndarray, observation_size: int, steps: int) -> np.ndarray:
        """The baseline (f,) of shares whose summaries are (shares, k)."""
        return fitted(summaries, observation_size, steps, self.ridge)

    def raw(self, observations: np.ndarray, rewards: np.ndarray, weights: np.ndarray, fit: np.ndarray) -> np.ndarray:
        """Advantages (E, T) of one share under a baseline (f,), not standardised yet."""
        power, signal, *_ = fit
        if not signal:
            return np.zeros(rewards.shape)
        rewards = scaled_by(rewards, np.array(-int(power)))
        return gae(rewards, predicted(observations, fit), weights, self.gamma, self.gae_lambda)

    def moments(self, raw: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Of one share's steps that count: see ``moments.py``."""
        return moments(raw[weights > 0])

    def standardized(self, raw: np.ndarray, weights: np.ndarray, all_moments: np.ndarray) -> np.ndarray:
        """Minus mean, over population standard deviation (plus 1e-8, as in ProMP), of all shares; as they are where
        that is not wanted.
        """
        if not self.normalize:
            return raw
        count, mean, squares = all_moments
        return np.where(weights > 0, (raw - mean) / (np.sqrt(squares / count) + 1e-8), 0.0)


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

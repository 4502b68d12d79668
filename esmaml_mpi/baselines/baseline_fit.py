"""A linear baseline, fitted to returns of which every place knows its own: sums of products go round, not episodes.

A share's summary is a vector: its episodes, its steps, the power of two by which its rewards were scaled, the length of
its shortest and longest episode, the largest and the smallest return of every step (T each), the products of features
with returns (p) and with each other (p (p + 1) / 2). All of it is sums, or what is largest or smallest.

A fit is a vector, too: the power of two, whether returns differ at all, the coefficients (p).
"""

import numpy as np

from esmaml_mpi.estimators.rewards import EQUAL
from esmaml_mpi.reproducibility.magnitudes import LARGE, exponents

EPISODES, STEPS, POWER, SHORTEST, LONGEST, HEAD = range(6)


def summary_size(observation_size: int, steps: int) -> int:
    """Numbers of a summary."""
    p = feature_count(observation_size)
    return HEAD + 2 * steps + p + p * (p + 1) // 2


def feature_count(observation_size: int) -> int:
    """Features p."""
    return 2 * observation_size + 4


def features(observations: np.ndarray) -> np.ndarray:
    """Features (E, 2n + 4, T) of the linear baseline (Duan et al. 2016): observations within +-10, their squares,
    t / 100 to the powers 1 to 3, and 1.
    """
    episodes, _, steps = observations.shape
    clipped = np.clip(observations, -10.0, 10.0)
    time = np.arange(steps) / 100.0
    powers = np.broadcast_to([time, time**2, time**3, np.ones(steps)], (episodes, 4, steps))
    return np.concatenate([clipped, clipped**2, powers], axis=1)


def scaling_power(rewards: np.ndarray) -> int:
    """Of two, by which rewards are divided so that their squares are finite; 0 for all ordinary ones."""
    return int(exponents(rewards.ravel())) if np.abs(rewards).max(initial=0.0) > LARGE else 0


def summary(observations: np.ndarray, returns: np.ndarray, weights: np.ndarray, power: int) -> np.ndarray:
    """Of one share, with observations (E, n, T), returns (E, T), scaled by 2^-power, and weights (E, T)."""
    shown, lengths = features(observations), np.count_nonzero(weights, axis=1)
    counted = shown * weights[:, None]
    # einsum and not BLAS, whose order of additions may depend on its threads.
    products = np.einsum("eit,ejt->ij", counted, shown)[np.triu_indices(shown.shape[1])]
    led_to = np.einsum("eit,et->i", counted, returns)
    head = [len(returns), np.add.reduce(weights, axis=None), power, lengths.min(), lengths.max()]
    return np.concatenate([head, returns.max(axis=0), returns.min(axis=0), led_to, products])


def fitted(summaries: np.ndarray, observation_size: int, steps: int, ridge: float) -> np.ndarray:
    """The fit (2 + p,) to all shares, whose summaries are (shares, k): ridge regression at the same steps."""
    p = feature_count(observation_size)
    heads, most, least, led_to, products = np.split(summaries, np.cumsum([HEAD, steps, steps, p]), axis=1)
    power = int(heads[:, POWER].max())
    powers = heads[:, POWER : POWER + 1].astype(np.int64) - power
    most, least, led_to = (np.ldexp(part, powers) for part in (most, least, led_to))
    gram = np.zeros((p, p))
    gram[np.triu_indices(p)] = np.add.reduce(products, axis=0)
    gram = gram + np.triu(gram, 1).T + ridge * np.eye(p)
    signal = not _all_the_same(heads, most.max(axis=0), least.min(axis=0))
    return np.concatenate([[power, signal], np.linalg.solve(gram, np.add.reduce(led_to, axis=0))])


def predicted(observations: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """State values (E, T) by a fit (2 + p,)."""
    values: np.ndarray = np.einsum("eit,i->et", features(observations), fit[2:])
    return values


def _all_the_same(heads: np.ndarray, most: np.ndarray, least: np.ndarray) -> bool:
    """Whether several episodes are of one length and have the same returns, up to rounding."""
    if heads[:, EPISODES].sum() < 2 or heads[:, SHORTEST].min() < heads[:, LONGEST].max():
        return False
    return bool((most - least <= EQUAL * np.maximum(np.abs(most), np.abs(least))).all())

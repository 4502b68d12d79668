"""Which of the policies tried has won. One whose reward is nan has failed, and loses to any other."""

import numpy as np


def comparable(rewards: np.ndarray) -> np.ndarray:
    """Rewards; -inf where they are nan."""
    return np.where(np.isnan(rewards), -np.inf, rewards)


def best(candidates: np.ndarray, rewards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of candidates (d, U, T, P) those with the highest of the rewards (U, T, P), and these; the first among equals."""
    rewards = comparable(rewards)
    winner = np.argmax(rewards, axis=-1, keepdims=True)
    found = np.take_along_axis(candidates, winner[None], axis=-1)[..., 0]
    return found, np.take_along_axis(rewards, winner, axis=-1)[..., 0]

"""From outputs of a policy to actions within bounds."""

from collections.abc import Sequence

import numpy as np


class Bounds:
    """Lowest and highest actions, each (m, 1), infinite where there is no bound.

    Where an action has both and ``scale`` says so, outputs in [-1, 1] stand for the way from one to the other, and are
    clipped first; all actions are clipped.
    """

    def __init__(self, low: np.ndarray | Sequence[float], high: np.ndarray | Sequence[float], scale: bool):
        self.low, self.high = (np.reshape(end, (-1, 1)).astype(np.float64) for end in (low, high))
        both = np.isfinite(self.low) & np.isfinite(self.high)
        self.scaled = np.flatnonzero(both) if scale else np.empty(0, int)
        self._all, self._any = len(self.scaled) == len(self.low), bool(np.isfinite([self.low, self.high]).any())
        self._scaled_low = self.low[self.scaled]
        self._half = 0.5 * (self.high[self.scaled] - self._scaled_low)

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """Actions (m, b) of outputs (m, b), in an array of their own."""
        if self._all:
            actions: np.ndarray = np.clip(outputs, -1.0, 1.0)
            actions += 1.0
            actions *= self._half
            actions += self._scaled_low
        else:
            actions = outputs.copy()
            if len(self.scaled):
                clipped = np.clip(outputs[self.scaled], -1.0, 1.0)
                actions[self.scaled] = self._scaled_low + (clipped + 1.0) * self._half
        if self._any:
            np.clip(actions, self.low, self.high, out=actions)
        return actions

"""Adaptation without a search: a recurrent policy lives through episodes of the task, sees what it earns, remembers.

What RL^2 (Duan et al. 2016, arXiv 1611.02779) trains by policy gradients, here trained by ES: theta stays as it is, and
what the policy remembers after K episodes is what it begins the scored one with.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import KEY_WORD, AdaptationSettings, operator_setting


@dataclass(frozen=True)
class Recurrent(AdaptationSettings):
    """No search: K episodes, one after the other, in which the policy sees its rewards and goes on remembering."""

    operator: str = operator_setting("recurrent")
    episodes: int = setting(
        20, "episodes K that the policy lives through before the one that is scored", minimum=1, maximum=KEY_WORD
    )
    reward_scale: float = setting(1.0, "factor of the rewards that the policy is shown", above=0)

    counts: ClassVar[tuple[str, ...]] = ()
    uses_memory = True
    tells_centre = True
    sees_rewards = True

    def __post_init__(self) -> None:
        self.refuse_search("perturbs no parameters")

    queries_at_once = 1
    directions_at_once = 0

    @property
    def yields(self) -> int:
        """How often it asks for an episode."""
        return self.episodes

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return self.episodes

    def pivot_last(self, step: int) -> bool:
        """There is no pivot."""
        return False

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray] | None = None,
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; it is sent what the policies remember (s, U, T, 1), and returns theta with that
        below it, (d + s, U, T). ``centre`` is told the same after each episode.
        """
        lived = theta
        for _ in range(self.episodes):
            memory = yield lived[..., None]
            lived = np.concatenate([theta, memory[..., 0]])
            centre(lived)
        return lived

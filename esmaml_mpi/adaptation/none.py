"""No adaptation: U(theta, T) = theta. What a meta-policy learns is then one policy for all tasks: plain evolution
strategies (Salimans et al. 2017, arXiv 1703.03864) on randomised tasks, which adaptation has to be better than.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.settings.sections import AdaptationSettings, operator_setting


@dataclass(frozen=True)
class NoAdaptation(AdaptationSettings):
    """No adaptation: the meta-policy acts as it is, in all tasks."""

    operator: str = operator_setting("none")

    counts: ClassVar[tuple[str, ...]] = ()
    tells_centre = True
    bears_failures = True
    queries_at_once = 0
    directions_at_once = 0
    yields = 0
    rollouts = 0

    def __post_init__(self) -> None:
        self.refuse_search("tries nothing")

    def pivot_last(self, step: int) -> bool:
        """There is no pivot."""
        return False

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray] | None = None,
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; it yields nothing and returns theta (d, U, T)."""
        yield from ()
        return theta

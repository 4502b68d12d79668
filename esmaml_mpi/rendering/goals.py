"""Where a point task wants its agent, and where it does not."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.tasks.four_corners import CORNERS, FourCorners
from esmaml_mpi.tasks.navigation_2d import Navigation2D
from esmaml_mpi.tasks.point import PointFamily
from esmaml_mpi.tasks.six_circles import SixCircles

REACH = 2.0  # distance from which a corner's or circle's reward or penalty is felt


@dataclass(frozen=True)
class Goals:
    """Positions (k, 2) of correct and wrong goals, and the distances at which something happens; 0: nothing does."""

    correct: np.ndarray
    wrong: np.ndarray
    reach: float = 0.0  # a correct goal is felt, or reached
    forbidden: float = 0.0  # a wrong goal costs
    switched_off: float = 0.0  # a correct goal is done with

    def visited(self, path: np.ndarray) -> np.ndarray:
        """Which correct goals (k,) bool are done with along ``path`` (t + 1, 2)."""
        offsets = path[1:, None, :] - self.correct
        visited: np.ndarray = np.any(np.sum(offsets**2, axis=2) < self.switched_off**2, axis=0)
        return visited


def goals_of(family: PointFamily, task: np.ndarray) -> Goals:
    """The goals of a task with parameters (p,); none for a family that is not known."""
    if isinstance(family, FourCorners):
        wrong = CORNERS[np.any(task != CORNERS, axis=1)]
        return Goals(task[None], wrong, REACH if family.reward == "bowl" else 0.0, REACH if family.penalty > 0 else 0.0)
    if isinstance(family, SixCircles):
        chosen = task > 0
        return Goals(
            family.centres[chosen],
            family.centres[~chosen],
            REACH,
            REACH if family.penalty > 0 else 0.0,
            family.switch_off_distance,
        )
    nothing = np.empty((0, 2))
    if isinstance(family, Navigation2D):
        return Goals(task[None], nothing, family.end_distance if family.end == "radius" else 0.0)
    return Goals(nothing, nothing)

"""What the plane of a point task has in it: goals, walls."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.rollouts.trials import RolloutSetup


@dataclass(frozen=True)
class Arena:
    """``centres`` (goals, 2) of all goals, ``wanted`` by some tasks, an array (goals, 2) each.

    ``reach`` is the distance within which a goal is seen, or, in navigation, reached; 0 if there is no such thing.
    ``limit`` is where the walls are; infinite if there are none.
    """

    centres: np.ndarray
    wanted: list[np.ndarray]
    reach: float
    limit: float

    @classmethod
    def of(cls, setup: RolloutSetup, tasks: list[int]) -> "Arena":
        """That of a family, with what these tasks want."""
        family = setup.family
        centres = getattr(family, "centres", np.empty((0, 2)))
        return cls(centres, [_wanted(setup, task) for task in tasks], _reach(family), family.position_limit)

    @property
    def goals(self) -> np.ndarray:
        """Every goal (goals, 2), wanted or not."""
        return np.concatenate([*self.wanted, self.centres])


def _wanted(setup: RolloutSetup, task: int) -> np.ndarray:
    parameters, family = setup.task_table[:, task], setup.family
    return family.centres[parameters > 0] if family.name == "six_circles" else parameters[None]


def _reach(family) -> float:
    if family.name == "navigation_2d":
        return family.end_distance if family.end == "radius" else 0.0
    return 2.0 if family.name == "six_circles" or family.reward == "bowl" else 0.0

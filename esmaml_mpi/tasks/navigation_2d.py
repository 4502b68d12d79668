"""Navigation to a goal drawn at random, seen only through the reward.

Released: google-research ``es_maml/task.py`` NavigationTask2d, goal U[-1, 1]^2, reward -dist^2, over within 0.1 of the
goal.
Finn: ``maml_rl`` point environment, goal U[-0.5, 0.5]^2, reward -dist, open plane, over when both offsets are below
0.01.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.point import PointFamily, squared_distance
from esmaml_mpi.tasks.workspace import Workspace


@dataclass(frozen=True)
class Navigation2D(PointFamily):
    """A point at the origin and one goal; the task is the goal."""

    variant: str = setting(
        "released", "preset of the other options: the released code's, or Finn's", choices=("released", "finn")
    )
    position_limit: float = setting(
        1.0, "positions are clipped to +- this, inf for an open plane", above=0, finite=False
    )
    goal_range: float = setting(1.0, "goals are uniform within +- this per coordinate", above=0)
    reward: str = setting(
        "squared_distance", "-dist^2 or -dist after the step", choices=("squared_distance", "distance")
    )
    end: str = setting(
        "radius",
        "radius: over within end_distance of the goal; box: over when both coordinates are; never: run to the horizon",
        choices=("radius", "box", "never"),
    )
    end_distance: float = setting(0.1, "see end", minimum=0)

    name = "navigation_2d"
    task_count = None
    presets: ClassVar = {
        "finn": dict(position_limit=np.inf, goal_range=0.5, reward="distance", end="box", end_distance=0.01),
    }

    @property
    def can_end_early(self) -> bool:
        return self.end != "never"

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The goal (2,)."""
        return generator.uniform(-self.goal_range, self.goal_range, 2)

    @property
    def price(self) -> tuple[str, float] | None:
        return (self.reward, 0.0) if type(self).rewards is Navigation2D.rewards else None

    def best_return(self, task: np.ndarray) -> float | None:
        """The shortest way's, up to the step that ends the episode."""
        left = self.shortest_way(task)
        if left is None:
            return None
        squared = (left**2).sum(axis=1)
        costs = squared if self.reward == "squared_distance" else np.sqrt(squared)
        near = (left < self.end_distance).all(axis=1) if self.end == "box" else squared <= self.end_distance**2
        steps = np.argmax(near) + 1 if self.can_end_early and near.any() else self.horizon
        return -float(costs[:steps].sum())

    def rewards(self, path: np.ndarray, tasks: np.ndarray, out: np.ndarray, workspace: Workspace) -> None:
        squared_distance(path, tasks, out, workspace)
        if self.reward == "distance":
            np.sqrt(out, out=out)
        np.negative(out, out=out)

    def ended(self, path: np.ndarray, tasks: np.ndarray, workspace: Workspace) -> np.ndarray:
        if self.end == "box":
            near: np.ndarray = np.logical_and.reduce(np.abs(path[1:] - tasks) < self.end_distance, axis=1)
            return near
        squared = workspace.array("end", len(path) - 1, path.shape[-1])
        squared_distance(path, tasks, squared, workspace)
        return squared <= self.end_distance**2

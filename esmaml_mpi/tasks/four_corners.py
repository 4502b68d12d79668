"""Four corners: find which corner of the square (+-2, +-2) pays, from rewards alone.

Released: google-research ``es_maml/task.py`` NavigationTask4corner, reward -4 + max(0, 4 - dist^2), so -4 until the
agent is within 2 of its corner.
ProMP: ``point_env_2d_corner.py``, noisy start, wider steps, sparse or dense reward.
Penalised: the wrong corners cost 10000 * min(0, dist^2 - 4), the wrong-goal term of NavigationTaskCombo in the same
file.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.point import PointFamily, squared_distance
from esmaml_mpi.tasks.workspace import Workspace

CORNERS = np.array([[2.0, 2.0], [-2.0, 2.0], [-2.0, -2.0], [2.0, -2.0]])
RADIUS_SQUARED = 4.0


@dataclass(frozen=True)
class FourCorners(PointFamily):
    """A point at the origin and four possible goals; the task is the corner."""

    variant: str = setting(
        "released", "preset of the other options: the released code's, or ProMP's", choices=("released", "promp")
    )
    position_limit: float = setting(
        5.0, "positions are clipped to +- this, inf for an open plane", above=0, finite=False
    )
    reward: str = setting(
        "bowl",
        "bowl: -4 + max(0, 4 - dist^2); sparse: progress towards the goal while it is the nearest corner; "
        "distance: -dist; squared_distance: -dist^2",
        choices=("bowl", "sparse", "distance", "squared_distance"),
    )
    sparse_radius: float = setting(0.5, "sparse reward is 0 while |x| + |y| is below this", minimum=0)
    penalty: float = setting(
        0.0, "weight of the penalty for coming within 2 of a wrong corner; the paper's variant has 10000", minimum=0
    )

    name = "four_corners"
    task_count = 4
    presets: ClassVar = {
        "promp": dict(action_limit=0.2, position_limit=np.inf, start_range=0.2, reward="sparse"),
    }

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The corner (2,)."""
        corner: np.ndarray = CORNERS[task_id]
        return corner

    @property
    def price(self) -> tuple[str, float] | None:
        simple = self.reward != "sparse" and self.penalty == 0 and type(self).rewards is FourCorners.rewards
        return (self.reward, RADIUS_SQUARED) if simple else None

    def best_return(self, task: np.ndarray) -> float | None:
        """The straight way's, which comes near no wrong corner; not known of ``sparse``."""
        left = self.shortest_way(task)
        if left is None or self.reward == "sparse":
            return None
        squared = (left**2).sum(axis=1)
        if self.reward == "bowl":
            return -float(np.minimum(squared, RADIUS_SQUARED).sum())
        return -float((squared if self.reward == "squared_distance" else np.sqrt(squared)).sum())

    def rewards(self, path: np.ndarray, tasks: np.ndarray, out: np.ndarray, workspace: Workspace) -> None:
        squared_distance(path, tasks, out, workspace)
        if self.reward == "bowl":
            np.subtract(RADIUS_SQUARED, out, out=out)
            np.maximum(out, 0.0, out=out)
            np.subtract(out, RADIUS_SQUARED, out=out)
        elif self.reward == "squared_distance":
            np.negative(out, out=out)
        elif self.reward == "distance":
            np.negative(np.sqrt(out, out=out), out=out)
        else:
            self._sparse(path, tasks, out, workspace)
        if self.penalty > 0:
            wrong = workspace.array("wrong", *out.shape)
            for corner in CORNERS:
                squared_distance(path, corner[:, None], wrong, workspace)
                np.minimum(np.subtract(wrong, RADIUS_SQUARED, out=wrong), 0.0, out=wrong)
                np.multiply(wrong, self.penalty * np.any(tasks != corner[:, None], axis=0), out=wrong)
                np.add(out, wrong, out=out)

    def _sparse(self, path: np.ndarray, tasks: np.ndarray, out: np.ndarray, workspace: Workspace) -> None:
        """Decrease of the distance to the goal, counted once the agent has left the start and the goal is its nearest
        corner.
        """
        after = np.sqrt(out)
        start = np.sqrt((path[0] - tasks)[0] ** 2 + (path[0] - tasks)[1] ** 2)
        before = np.concatenate([start[None], after[:-1]])
        nearest = np.full_like(after, np.inf)
        for corner in CORNERS:
            squared_distance(path, corner[:, None], out, workspace)
            np.minimum(nearest, out, out=nearest)
        squared_distance(path, tasks, out, workspace)
        counts = (out == nearest) & (np.abs(path[1:, 0]) + np.abs(path[1:, 1]) >= self.sparse_radius)
        out[...] = np.where(counts, before - after, 0.0)

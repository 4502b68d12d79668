"""Goals on a circle, some of which must be visited and switched off while the others are forbidden.

google-research ``es_maml/task.py`` NavigationTaskCombo: goals at radius sqrt(8); each unvisited correct goal adds -4 +
max(0, 4 - dist^2) per step and is switched off once dist^2 < 0.01 (after that step's reward); each wrong goal adds
penalty * min(0, dist^2 - 4). The paper's six circles are 6 goals, all correct; 4 goals with 1 correct are the
penalised corners turned by 45 degrees. Visiting all six takes at least 148 steps, so the horizon is 200.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.native.door import cos, sin
from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.point import PointFamily, squared_distance
from esmaml_mpi.tasks.workspace import Workspace

RADIUS_SQUARED = 4.0


@dataclass(frozen=True)
class SixCircles(PointFamily):
    """A point at the origin and a ring of goals; the task is which of them are correct."""

    horizon: int = 200
    position_limit: float = setting(
        5.0, "positions are clipped to +- this, inf for an open plane", above=0, finite=False
    )
    goals: int = setting(6, "number of goals on the circle", minimum=1, maximum=1000)
    subset: int = setting(6, "how many of them are correct; tasks are all subsets of this size", minimum=1)
    penalty: float = setting(10000.0, "weight of the penalty for coming within 2 of a wrong goal", minimum=0)
    ring_radius: float = setting(math.sqrt(8.0), "distance of the goals from the origin", above=0)
    switch_off_distance: float = setting(0.1, "a correct goal is switched off by coming closer than this", above=0)

    name = "six_circles"
    default_horizon = 200
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        if self.subset > self.goals:
            raise ConfigError(
                f"task.options.subset = {self.subset}: at most task.options.goals = {self.goals} goals can be correct."
            )

    @property
    def task_count(self) -> int:
        return math.comb(self.goals, self.subset)

    @property
    def centres(self) -> np.ndarray:
        """Goal positions (goals, 2)."""
        angles = 2 * np.pi * np.arange(self.goals) / self.goals
        return self.ring_radius * np.stack([cos(angles), sin(angles)], axis=1)

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """1 for each correct goal, 0 for the others, (goals,); subsets are numbered in lexicographic order."""
        chosen = next(itertools.islice(itertools.combinations(range(self.goals), self.subset), task_id, None))
        correct = np.zeros(self.goals)
        correct[list(chosen)] = 1.0
        return correct

    def rewards(self, path: np.ndarray, tasks: np.ndarray, out: np.ndarray, workspace: Workspace) -> None:
        out[...] = 0.0
        squared = workspace.array("goal", *out.shape)
        for correct, centre in zip(tasks, self.centres, strict=True):
            squared_distance(path, centre[:, None], squared, workspace)
            switched_off = np.logical_or.accumulate(squared < self.switch_off_distance**2, axis=0)
            np.subtract(squared, RADIUS_SQUARED, out=squared)
            np.minimum(squared, 0.0, out=squared)  # min(0, dist^2 - 4) = -max(0, 4 - dist^2)
            wanted = -RADIUS_SQUARED - squared
            np.copyto(wanted[1:], 0.0, where=switched_off[:-1])
            np.multiply(squared, self.penalty, out=squared)
            np.add(out, np.where(correct > 0, wanted, squared), out=out)

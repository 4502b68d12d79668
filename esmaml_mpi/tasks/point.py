"""A point in the plane: the engine under the navigation families.

position += clip(action, +-action_limit), then clip(position, +-position_limit). The observation is the position.
Rewards depend on the path alone, so they are computed from the finished path in one go.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.native import door
from esmaml_mpi.native.network import CompiledPolicy
from esmaml_mpi.policies.contract import Bound
from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.workspace import Workspace


@dataclass(frozen=True)
class PointFamily:
    """Options and dynamics shared by all point tasks.

    Families add ``task_parameters``, ``rewards`` and perhaps ``ended``.
    """

    horizon: int = 100
    action_limit: float = setting(0.1, "largest step per coordinate", above=0)
    position_limit: float = setting(
        np.inf, "positions are clipped to +- this, inf for an open plane", above=0, finite=False
    )
    start_range: float = setting(
        0.0, "episodes start uniformly within +- this per coordinate; 0 starts at the origin", minimum=0
    )

    observation_size = 2
    action_size = 2
    default_horizon = 100
    batch_limit = 1000
    tasks_share_dynamics = True

    @property
    def whole_limit(self) -> int:
        """Kernels keep no paths of episodes that they price."""
        return 8 * self.batch_limit if door.kernels() and self._priced else self.batch_limit

    @property
    def _priced(self) -> bool:
        return self.price is not None and not self.can_end_early

    @property
    def action_low(self) -> tuple[float, float]:
        return (-self.action_limit, -self.action_limit)

    @property
    def action_high(self) -> tuple[float, float]:
        return (self.action_limit, self.action_limit)

    @property
    def can_end_early(self) -> bool:
        """Whether a task may be over before the horizon, as ``ended`` then says."""
        return False

    @property
    def noise_size(self) -> int:
        return 2 if self.start_range > 0 else 0

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Starting points (2, episodes)."""
        return generator.uniform(-self.start_range, self.start_range, (2, episodes))

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> "PointSimulation":
        return PointSimulation(self, noise, workspace, tasks)

    def rewards(self, path: np.ndarray, tasks: np.ndarray, out: np.ndarray, workspace: Workspace) -> None:
        """Rewards (T, B) of the steps along ``path`` (T + 1, 2, B) into ``out``."""
        raise NotImplementedError

    @property
    def price(self) -> tuple[str, float] | None:
        """What ``rewards`` gives, if it is this of the distance to the task, a goal: one of ``native.network.PRICES``
        and the limit of "bowl". None if not.
        """
        return None

    def shortest_way(self, goal: np.ndarray) -> np.ndarray | None:
        """Offsets (horizon, 2) from ``goal`` (2,) after each step of the way that is nearest to it at every step.

        None where episodes start anywhere, or where a wall is in the way.
        """
        if self.start_range > 0 or np.abs(goal).max() > self.position_limit:
            return None
        gone = self.action_limit * np.arange(1, self.horizon + 1)
        left: np.ndarray = np.maximum(np.abs(goal) - gone[:, None], 0.0)
        return left

    def ended(self, path: np.ndarray, tasks: np.ndarray, workspace: Workspace) -> np.ndarray:
        """Whether the task is over after each step, (T, B) bool; asked only if ``can_end_early``."""
        raise NotImplementedError


class PointSimulation:
    """B points moving at once."""

    position: np.ndarray
    running = None  # a step costs less than finding out who has arrived

    def __init__(
        self, family: PointFamily, noise: np.ndarray | None, workspace: Workspace, tasks: np.ndarray | None = None
    ) -> None:
        self.family, self.noise, self.workspace, self.tasks = family, noise, workspace, tasks
        # Zero-dimensional arrays: NumPy would convert a Python float at every call.
        self.low, self.high = np.array(-family.action_limit), np.array(family.action_limit)
        self.floor, self.ceiling = np.array(-family.position_limit), np.array(family.position_limit)
        # No position can leave the arena before this step, so nothing needs to be clipped.
        self.steps_to_wall = (family.position_limit - family.start_range) / family.action_limit - 1
        self.steps = 0

    def reset(self, observation: np.ndarray) -> None:
        observation[...] = 0.0 if self.noise is None else self.noise
        self.position = observation

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        np.maximum(actions, self.low, out=actions)
        np.minimum(actions, self.high, out=actions)
        np.add(self.position, actions, out=observation)
        self.steps += 1
        if self.steps > self.steps_to_wall:
            np.maximum(observation, self.floor, out=observation)
            np.minimum(observation, self.ceiling, out=observation)
        self.position = observation

    def whole_path(self, bound: Bound, observations: np.ndarray, sums: np.ndarray) -> bool:
        """All steps in one call, unless a subclass has steps of its own."""
        if not self._moves_as_here or not isinstance(bound, CompiledPolicy):
            return False
        bound.point_episodes(self.family.action_limit, self.family.position_limit, self.noise, observations, sums)
        return True

    def whole_episodes(self, bound: Bound) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """All steps and their prices in one call, where the family says that these are of the distance to a goal."""
        family, price = self.family, self.family.price
        ours = self._moves_as_here and type(self).rewards is PointSimulation.rewards
        if price is None or self.tasks is None or family.can_end_early or not ours:
            return None
        if not isinstance(bound, CompiledPolicy):
            return None
        limits = family.action_limit, family.position_limit
        return bound.priced_episodes(*limits, self.noise, price, family.horizon, self.tasks)

    @property
    def _moves_as_here(self) -> bool:
        """Whether no subclass has steps of its own."""
        cls = type(self)
        return cls.step is PointSimulation.step and cls.reset is PointSimulation.reset

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        rewards = self.workspace.array("rewards", len(observations) - 1, observations.shape[-1])
        self.family.rewards(observations, tasks, rewards, self.workspace)
        return rewards, self.family.ended(observations, tasks, self.workspace) if self.family.can_end_early else None


def squared_distance(path: np.ndarray, goal: np.ndarray, out: np.ndarray, workspace: Workspace) -> None:
    """Squared distance (T, B) of the points after each step of ``path`` (T + 1, 2, B) to ``goal`` (2, B) or (2, 1)."""
    door.squared_distance(path[1:], goal, out, workspace.array("offset", len(path) - 1, 2, path.shape[-1]))

"""What a body is asked to do: the main terms of the published task families, and how their tasks are drawn."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import setting


class ForwardBackward:
    """Run forwards (task 0, direction +1) or backwards (task 1, -1): main term direction x velocity."""

    task_count = 2

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The direction (1,)."""
        return np.array([[1.0, -1.0][task_id]])

    def main(self, velocity: np.ndarray, position: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        forwards: np.ndarray = tasks[0] * velocity[:, 0]
        return forwards


@dataclass(frozen=True)
class GoalVelocity:
    """Run at a velocity drawn per task: main term -abs(velocity - goal)."""

    velocity_low: float = setting(0.0, "goal velocities are uniform from this, m/s")
    velocity_high: float = setting(3.0, "goal velocities are uniform up to this, m/s")

    task_count = None

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[misc]  # a mixin: the body beside it has one
        if self.velocity_low > self.velocity_high:
            raise ConfigError(
                f"task.options.velocity_low = {self.velocity_low}: at most task.options.velocity_high = "
                f"{self.velocity_high} is wanted."
            )

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The goal velocity (1,)."""
        return generator.uniform(self.velocity_low, self.velocity_high, 1)

    def main(self, velocity: np.ndarray, position: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        closeness: np.ndarray = -np.abs(velocity[:, 0] - tasks[0])
        return closeness


@dataclass(frozen=True)
class GoalPosition:
    """Go to a place drawn per task: main term minus the L1 distance to it."""

    goal_range: float = setting(3.0, "radius of the disc, or half the side of the square, of goals, metres", above=0)
    goal_shape: str = setting("disc", "goals are uniform in a disc or a square", choices=("disc", "square"))

    task_count = None

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The goal (2,)."""
        if self.goal_shape == "square":
            return generator.uniform(-self.goal_range, self.goal_range, 2)
        radius, angle = self.goal_range * np.sqrt(generator.uniform()), generator.uniform(0.0, 2 * np.pi)
        goal: np.ndarray = radius * np.array([np.cos(angle), np.sin(angle)])
        return goal

    def main(self, velocity: np.ndarray, position: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        distance = np.abs(position - tasks)
        closeness: np.ndarray = -(distance[:, 0] + distance[:, 1])
        return closeness


class Direction:
    """Run in a direction of the plane drawn per task. The main term is the velocity along it."""

    task_count = None

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """The direction (2,), a unit vector."""
        angle = generator.uniform(0.0, 2 * np.pi)
        return np.array([np.cos(angle), np.sin(angle)])

    def main(self, velocity: np.ndarray, position: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        along: np.ndarray = velocity[:, 0] * tasks[0] + velocity[:, 1] * tasks[1]
        return along

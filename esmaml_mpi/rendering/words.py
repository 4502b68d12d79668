"""Tasks in words, for captions."""

import numpy as np

from esmaml_mpi.rendering.goals import goals_of
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.cartpole_sensor_bias import CartPoleSensorBias
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.locomotion.aims import Direction, ForwardBackward, GoalPosition, GoalVelocity
from esmaml_mpi.tasks.point import PointFamily
from esmaml_mpi.tasks.quadruped.quantities import ROW
from esmaml_mpi.tasks.sinusoid import Sinusoid
from esmaml_mpi.tasks.six_circles import SixCircles
from esmaml_mpi.tasks.t_maze import TMaze

MOST_NUMBERS = 4  # that say something when they are listed


def task_in_words(family: TaskFamily, task: np.ndarray) -> str:
    """A task with parameters (p,)."""
    if isinstance(family, SixCircles):
        correct = ", ".join(str(i + 1) for i in np.flatnonzero(task > 0))
        return f"correct goals: {correct} of {family.goals}"
    if isinstance(family, PointFamily) and len(goals_of(family, task).correct):
        return f"goal ({_few(task)})"
    if isinstance(family, Sinusoid):
        return f"amplitude {task[0]:.3g}, phase {task[1]:.3g} rad"
    if isinstance(family, CartPoleSensorBias):
        return f"sensor off by {np.degrees(task[0]):+.2f} degrees"
    if isinstance(family, TMaze):
        return f"the arm that the cue {'names' if task[0] > 0 else 'does not name'} pays"
    if isinstance(family, ForwardBackward):
        return "forwards" if task[0] > 0 else "backwards"
    if isinstance(family, GoalVelocity):
        return f"goal velocity {task[0]:.3g} m/s"
    if isinstance(family, GoalPosition):
        return f"goal ({_few(task)}) m"
    if isinstance(family, Direction):
        return f"direction {np.degrees(np.arctan2(task[1], task[0])):.0f} degrees"
    if family.name == "quadruped":
        side = "left" if task[ROW["side"]] > 0 else "right"
        return (
            f"battery {task[ROW['voltage']]:.1f} V, {task[ROW['side_mass']]:.2f} kg on the {side}, foot friction "
            f"{task[ROW['foot_friction']]:.2f}"
        )
    if family.name == "gymnasium" and hasattr(family, "variation"):
        values = family.variation.values(task)
        return ", ".join(f"{name} {_short(value)}" for name, value in values.items()) or "its only one"
    if len(task) > MOST_NUMBERS:
        return f"{len(task)} parameters"
    return f"parameters {_few(task)}"


def _few(numbers: np.ndarray) -> str:
    return ", ".join(f"{number:.3g}" for number in numbers)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else show(value)

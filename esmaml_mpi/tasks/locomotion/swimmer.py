"""Swimmer: two motors, never ends. ProMP ``swimmer_rand_vel.py``; forward-backward, published nowhere, by analogy."""

from dataclasses import dataclass
from typing import ClassVar

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.locomotion.aims import ForwardBackward, GoalVelocity
from esmaml_mpi.tasks.locomotion.family import RLLAB_START, Body, LocomotionFamily, frame_skip, variants

START = dict(position_noise=0.1, velocity_noise=0.1)


@dataclass(frozen=True)
class Swimmer(LocomotionFamily):
    """The body."""

    frame_skip: int = frame_skip(4)
    control_cost: float = setting(0.0001, "weight of the sum of squared actions", minimum=0)

    body = Body("swimmer.xml", plane=2)


@dataclass(frozen=True)
class SwimmerForwardBackward(ForwardBackward, Swimmer):
    """Swim forwards or backwards: direction x velocity - 0.0001 sum a^2, Gymnasium's reward with a sign."""

    variant: str = variants("paper", "gymnasium")

    name = "swimmer_forward_backward"
    presets: ClassVar = {"gymnasium": START}


@dataclass(frozen=True)
class SwimmerGoalVelocity(GoalVelocity, Swimmer):
    """Swim at the task's velocity: -abs(velocity - goal) - 0.0001 sum a^2.

    ProMP's source has + abs(...), which rewards being far from the goal; variant promp keeps that. Which sign ES-MAML
    used is not known.
    """

    variant: str = variants("paper", "promp", "finn")
    velocity_low: float = setting(0.1, "goal velocities are uniform from this, m/s")
    velocity_high: float = setting(0.2, "goal velocities are uniform up to this, m/s")

    name = "swimmer_goal_velocity"
    presets: ClassVar = {
        "promp": dict(main_weight=-1.0, **START),
        # rllab's 0.05 s a step
        "finn": dict(frame_skip=5, main_weight=1.5, control_cost=0.005, observe=["plane", "torso"], **RLLAB_START),
    }

"""HalfCheetah: six motors, never falls. ProMP ``half_cheetah_rand_direc.py`` and ``half_cheetah_rand_vel.py``."""

from dataclasses import dataclass
from typing import ClassVar

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.locomotion.aims import ForwardBackward, GoalVelocity
from esmaml_mpi.tasks.locomotion.family import (
    RLLAB_START,
    UNIFORM_AND_NORMAL,
    Body,
    LocomotionFamily,
    frame_skip,
    variants,
)


@dataclass(frozen=True)
class HalfCheetah(LocomotionFamily):
    """The body."""

    frame_skip: int = frame_skip(5)
    control_cost: float = setting(0.05, "weight of the sum of squared actions", minimum=0)

    body = Body("half_cheetah.xml")


@dataclass(frozen=True)
class HalfCheetahForwardBackward(ForwardBackward, HalfCheetah):
    """Run forwards or backwards: direction x velocity - 0.05 sum a^2."""

    variant: str = variants("paper", "promp", "oyster", "finn", "gymnasium")

    name = "half_cheetah_forward_backward"
    presets: ClassVar = {
        "promp": UNIFORM_AND_NORMAL,
        "oyster": dict(observe=["torso"], **UNIFORM_AND_NORMAL),
        "finn": dict(frame_skip=1, observe=["torso"], **RLLAB_START),
        "gymnasium": dict(control_cost=0.1, **UNIFORM_AND_NORMAL),
    }


@dataclass(frozen=True)
class HalfCheetahGoalVelocity(GoalVelocity, HalfCheetah):
    """Run at the task's velocity: -abs(velocity - goal) - 0.05 sum a^2."""

    variant: str = variants("paper", "promp", "oyster", "garage", "finn")

    name = "half_cheetah_goal_velocity"
    presets: ClassVar = {
        "promp": UNIFORM_AND_NORMAL,
        "oyster": dict(observe=["torso"], **UNIFORM_AND_NORMAL),
        "garage": dict(velocity_high=2.0, observe=["torso"], **UNIFORM_AND_NORMAL),
        "finn": dict(velocity_high=2.0, frame_skip=1, observe=["torso"], **RLLAB_START),
    }

"""Ant: eight motors. ProMP ``ant_rand_direc.py``, ``_direc_2d.py``, ``_goal.py``; Finn's ``ant_env_rand.py``.

Variant paper has the main term alone (Song et al. 2020: published works weigh the others differently, and a survival
bonus makes standing still an optimum). Where the main term is never positive, paper has no early end, as falling early
would be rewarded.
"""

from dataclasses import dataclass
from typing import ClassVar

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.locomotion.aims import Direction, ForwardBackward, GoalPosition, GoalVelocity
from esmaml_mpi.tasks.locomotion.family import (
    RLLAB_START,
    UNIFORM_AND_NORMAL,
    Body,
    LocomotionFamily,
    frame_skip,
    variants,
)

PROMP = dict(control_cost=0.5, contact_cost=0.0005, bonus=1.0, observe=["contacts"], **UNIFORM_AND_NORMAL)
OYSTER = dict(control_cost=0.5, contact_cost=0.0005, bonus=1.0, height_low=0.2, height_high=1.0, **UNIFORM_AND_NORMAL)
FINN = dict(
    frame_skip=2,  # rllab's 0.02 s a step
    control_cost=0.005,
    contact_cost=0.0005,
    bonus=0.05,
    height_low=0.2,
    height_high=1.0,
    observe=["plane", "contacts", "torso", "rotation"],
    **RLLAB_START,
)


@dataclass(frozen=True)
class Ant(LocomotionFamily):
    """The body."""

    frame_skip: int = frame_skip(5)

    body = Body("ant.xml", plane=2, height=2, from_torso=True)


@dataclass(frozen=True)
class EndingAnt(Ant):
    """The body in tasks that end when it has jumped or turned over."""

    height_low: float = setting(0.0, "over when the torso is below this, metres; -inf: never", finite=False)
    height_high: float = setting(1.0, "over when the torso is above this, metres; inf: never", finite=False)


@dataclass(frozen=True)
class AntForwardBackward(ForwardBackward, EndingAnt):
    """Run forwards or backwards: direction x velocity."""

    variant: str = variants("paper", "promp", "finn", "gymnasium")

    name = "ant_forward_backward"
    presets: ClassVar = {
        "promp": PROMP,
        "finn": FINN,
        "gymnasium": dict(bonus_when_fallen=False, observe=["contacts"], **OYSTER),
    }


@dataclass(frozen=True)
class AntDirection(Direction, EndingAnt):
    """Run in the task's direction: the velocity along it."""

    variant: str = variants("paper", "promp", "oyster")

    name = "ant_direction"
    presets: ClassVar = {"promp": PROMP, "oyster": OYSTER}


@dataclass(frozen=True)
class AntGoalVelocity(GoalVelocity, Ant):
    """Run at the task's velocity: -abs(velocity - goal)."""

    variant: str = variants("paper", "finn")

    name = "ant_goal_velocity"
    presets: ClassVar = {"finn": {**FINN, "bonus": 1.05}}


@dataclass(frozen=True)
class AntGoalPosition(GoalPosition, Ant):
    """Go to the task's place: minus the L1 distance to it."""

    variant: str = variants("paper", "promp", "oyster", "finn")
    observe: list[str] = setting(
        ["plane"],
        "what is observed beside joint positions and velocities; plane: horizontal position as it is in the state; "
        "torso: Cartesian position of the torso, rotation: its rotation matrix, contacts: clipped contact forces of "
        "all bodies",
        choices=("plane", "torso", "rotation", "contacts"),
    )

    name = "ant_goal_position"
    presets: ClassVar = {
        "promp": dict(control_cost=0.1, contact_cost=0.0005, observe=["plane", "contacts"], **UNIFORM_AND_NORMAL),
        "oyster": dict(control_cost=0.1, contact_cost=0.0005, observe=["plane", "contacts"], **UNIFORM_AND_NORMAL),
        "finn": {**FINN, "bonus": 4.05, "goal_shape": "square"},
    }

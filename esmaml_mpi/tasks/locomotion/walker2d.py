"""Walker2d: six motors, over when it falls. ProMP ``walker2d_rand_direc.py`` and ``walker2d_rand_vel.py``."""

from dataclasses import dataclass
from typing import ClassVar

from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.locomotion.aims import ForwardBackward, GoalVelocity
from esmaml_mpi.tasks.locomotion.family import Body, LocomotionFamily, frame_skip, variants

START = dict(position_noise=0.005, velocity_noise=0.005)


@dataclass(frozen=True)
class Walker2d(LocomotionFamily):
    """The body."""

    frame_skip: int = frame_skip(8)
    control_cost: float = setting(0.001, "weight of the sum of squared actions", minimum=0)
    bonus: float = setting(1.0, "added at every step")
    height_low: float = setting(0.8, "over when the torso is below this, metres; -inf: never", finite=False)
    height_high: float = setting(2.0, "over when the torso is above this, metres; inf: never", finite=False)
    pitch_limit: float = setting(
        1.0, "over when the torso is tilted by this or more, radians; inf: never", above=0, finite=False
    )

    body = Body("walker2d_v5.xml", height=1, pitch=2, largest_velocity=10.0)


@dataclass(frozen=True)
class Walker2dForwardBackward(ForwardBackward, Walker2d):
    """Walk forwards or backwards: direction x velocity + 1 - 0.001 sum a^2."""

    variant: str = variants("paper", "promp", "gymnasium")

    name = "walker2d_forward_backward"
    presets: ClassVar = {"promp": START, "gymnasium": dict(frame_skip=4, bonus_when_fallen=False, **START)}


@dataclass(frozen=True)
class Walker2dGoalVelocity(GoalVelocity, Walker2d):
    """Walk at the task's velocity: -abs(velocity - goal) + 15 - 0.001 sum a^2."""

    variant: str = variants("paper", "promp")
    velocity_high: float = setting(10.0, "goal velocities are uniform up to this, m/s")
    bonus: float = setting(15.0, "added at every step")

    name = "walker2d_goal_velocity"
    presets: ClassVar = {"promp": START}

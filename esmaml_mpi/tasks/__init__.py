"""Task families. To add one: write a file with a family class (see ``family.py``) and add a line to ``FAMILIES``, or
name it from outside (docs/extending.md).
"""

import dataclasses
from collections.abc import Mapping

from esmaml_mpi.errors import FamilyError, UserError, in_words
from esmaml_mpi.settings.fields import MOST_SHOWN, parse, show
from esmaml_mpi.settings.registry import Registry
from esmaml_mpi.tasks.contract import check_attributes, check_class
from esmaml_mpi.tasks.family import TaskFamily

OPTIONAL = ("mujoco", "gymnasium")  # libraries that come with the optional parts of their names


class Families(Registry):
    """The registry of families."""

    error = FamilyError

    def told(self, name: str, key: str) -> str:
        return f"task family {show(name)}"

    def refusal(self, name: str, key: str, place: str, error: BaseException) -> UserError:
        missing = getattr(error, "name", None)
        how = f' (pip install "esmaml-mpi[{missing}]")' if missing in OPTIONAL else ""
        where = "correct its file" + (" or its line in FAMILIES" if name in self else "")
        reason = f"{in_words(error)}. Install what it imports{how}, or {where}."
        return FamilyError(f"{self.told(name, key)} cannot be loaded from {place[:MOST_SHOWN]}: {reason}")


# name -> where its class is; imported only when used, so that a worker carries one family's libraries and no other's.
FAMILIES = Families(
    "task.name",
    "families",
    {
        "four_corners": "esmaml_mpi.tasks.four_corners:FourCorners",
        "navigation_2d": "esmaml_mpi.tasks.navigation_2d:Navigation2D",
        "six_circles": "esmaml_mpi.tasks.six_circles:SixCircles",
        "sinusoid": "esmaml_mpi.tasks.sinusoid:Sinusoid",
        "cartpole_sensor_bias": "esmaml_mpi.tasks.cartpole_sensor_bias:CartPoleSensorBias",
        "t_maze": "esmaml_mpi.tasks.t_maze:TMaze",
        "half_cheetah_forward_backward": "esmaml_mpi.tasks.locomotion.half_cheetah:HalfCheetahForwardBackward",
        "half_cheetah_goal_velocity": "esmaml_mpi.tasks.locomotion.half_cheetah:HalfCheetahGoalVelocity",
        "swimmer_forward_backward": "esmaml_mpi.tasks.locomotion.swimmer:SwimmerForwardBackward",
        "swimmer_goal_velocity": "esmaml_mpi.tasks.locomotion.swimmer:SwimmerGoalVelocity",
        "walker2d_forward_backward": "esmaml_mpi.tasks.locomotion.walker2d:Walker2dForwardBackward",
        "walker2d_goal_velocity": "esmaml_mpi.tasks.locomotion.walker2d:Walker2dGoalVelocity",
        "walker2d_random_parameters": "esmaml_mpi.tasks.locomotion.random_parameters:Walker2dRandomParameters",
        "ant_forward_backward": "esmaml_mpi.tasks.locomotion.ant:AntForwardBackward",
        "ant_direction": "esmaml_mpi.tasks.locomotion.ant:AntDirection",
        "ant_goal_velocity": "esmaml_mpi.tasks.locomotion.ant:AntGoalVelocity",
        "ant_goal_position": "esmaml_mpi.tasks.locomotion.ant:AntGoalPosition",
        "quadruped": "esmaml_mpi.tasks.quadruped.family:Quadruped",
        "gymnasium": "esmaml_mpi.tasks.gymnasium_bridge.family:GymnasiumEnvironment",
    },
)


def family_class(name: str) -> type[TaskFamily]:
    """The class of a family; ConfigError if there is none, FamilyError if it cannot be had."""
    cls: type[TaskFamily] = FAMILIES.find(name)
    check_class(name, cls)
    return cls


def make_family(name: str, horizon: int | None = None, options: Mapping = {}) -> TaskFamily:
    """A task family from its name and ``task.options``.

    The class's defaults, then the chosen variant's, then ``options``.
    """
    cls = family_class(name)
    try:
        parsed = parse(cls, options, "task.options")
        preset = cls.presets.get(getattr(parsed, "variant", ""), {})
        family = parse(cls, {**preset, **options}, "task.options")
        family = dataclasses.replace(family, horizon=horizon or family.default_horizon)
        check_attributes(name, family)
    except UserError:
        raise
    except Exception as error:
        raise FamilyError(f"task family {name!r} cannot be made: {in_words(error)}.") from error
    return family


def default_options(name: str) -> dict:
    """The options of a registered family with their defaults; empty if it cannot be had here."""
    try:
        fields = dataclasses.fields(family_class(name)) if name in FAMILIES else ()
    except UserError:
        return {}
    made = {each.name: each.default_factory() for each in fields if each.default_factory is not dataclasses.MISSING}
    return {each.name: made.get(each.name, each.default) for each in fields if each.metadata}


def options_of(family: TaskFamily) -> dict:
    """All options of a family with their values in force; parsing them again gives an equal family."""
    return {field.name: getattr(family, field.name) for field in dataclasses.fields(family) if field.metadata}

"""Task families. To add one: write a file with a family class (see ``family.py``) and add a line to ``FAMILIES``."""

import dataclasses
from collections.abc import Mapping
from importlib import import_module

from esmaml_mpi.settings import parse, unknown

# name -> where its class is; imported only when used, so that a worker carries one family's libraries and no other's.
FAMILIES = {
    "four_corners": "esmaml_mpi.tasks.four_corners:FourCorners",
    "navigation_2d": "esmaml_mpi.tasks.navigation_2d:Navigation2D",
    "six_circles": "esmaml_mpi.tasks.six_circles:SixCircles",
    "sinusoid": "esmaml_mpi.tasks.sinusoid:Sinusoid",
}


def family_class(name: str) -> type:
    """The class of a registered family; ConfigError if there is none."""
    if name not in FAMILIES:
        raise unknown("task.name", name, FAMILIES)
    module, attribute = FAMILIES[name].split(":")
    return getattr(import_module(module), attribute)


def make_family(name: str, horizon: int | None = None, options: Mapping = {}):
    """A task family from its name and ``task.options``:

    the class's defaults, then the chosen variant's, then ``options``.
    """
    cls = family_class(name)
    parsed = parse(cls, options, "task.options")
    preset = cls.presets.get(getattr(parsed, "variant", None), {})
    family = parse(cls, {**preset, **options}, "task.options")
    return type(family)(**{**vars(family), "horizon": horizon or cls.default_horizon})


def options_of(family) -> dict:
    """All options of a family with their values in force; parsing them again gives an equal family."""
    return {field.name: getattr(family, field.name) for field in dataclasses.fields(family) if field.metadata}

"""How a step size or a sigma changes over the iterations: by a factor that goes from 1 to a final one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from esmaml_mpi.native import elementary
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.fields import parse
from esmaml_mpi.settings.sections import MetaSettings

# The settings that are schedules: tables with the fields of ``Schedule``.
SCHEDULES = ("step_size_schedule", "sigma_schedule")


@dataclass(frozen=True)
class Schedule:
    """The factor of iteration i, with t = min(i / iterations, 1): 1 + (final - 1) t if linear, and
    final + (1 - final) (1 + cos(pi t)) / 2 if cosine (Loshchilov and Hutter 2017, without restarts).
    """

    shape: str = setting("constant", "how it goes to its end", choices=("constant", "linear", "cosine"))
    final: float = setting(0.1, "the factor at the end", above=0)
    iterations: int = setting(0, "when the end is reached; 0: meta.iterations", minimum=0)

    def factor(self, iteration: int) -> float:
        """Of an iteration; ``iterations`` is known."""
        if self.shape == "constant":
            return 1.0
        part = min(iteration / self.iterations, 1.0) if self.iterations else 1.0
        if self.shape == "cosine":
            part = (1.0 - float(elementary.cos(np.array([math.pi * part]))[0])) / 2
        return 1.0 + (self.final - 1.0) * part


def schedule(meta: MetaSettings, key: str) -> Schedule:
    """The schedule of a section [meta] under this key, over ``meta.iterations`` if it has no length of its own;
    constant where the algorithm has no such key. ConfigError if the table is none.
    """
    table = getattr(meta, key, {})
    return parse(Schedule, {"iterations": meta.iterations, **_of_own_length(table)}, f"meta.{key}")


def stretched(meta: MetaSettings) -> list[str]:
    """The keys of schedules whose numbers depend on ``meta.iterations``, so that a run cannot be made longer."""
    tables = {key: getattr(meta, key, {}) for key in SCHEDULES}
    return [
        f"meta.{key}"
        for key, table in tables.items()
        if table.get("shape", "constant") != "constant" and not table.get("iterations")
    ]


def _of_own_length(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in table.items() if name != "iterations" or value != 0}

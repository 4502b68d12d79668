"""Whether what somebody has written has what is asked of it, said before it is used."""

import dataclasses
import inspect
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from esmaml_mpi.errors import ConfigError, UserError

STORED_KINDS = "iuf"  # of the numbers in results files
STORED_BYTES = 8  # of one
STORED_AXES = 4


def check_members(told: str, thing: object, members: Iterable[str], error: type[UserError] = ConfigError) -> None:
    """Raise ``error`` unless a class or object has these members. ``told``: how the message speaks of it."""
    missing = [name for name in members if not hasattr(thing, name) and not _is_annotated(thing, name)]
    if missing:
        kind = "class " if inspect.isclass(thing) else ""
        raise error(
            f"{told}: {kind}{_name(thing)}{source(thing)} has no {' and no '.join(map(repr, missing))}, which is "
            "wanted of it: docs/extending.md has an example."
        )


def check_dataclass(told: str, thing: object) -> None:
    """Raise ConfigError unless it is a dataclass, whose fields are its settings."""
    if not (inspect.isclass(thing) and dataclasses.is_dataclass(thing)):
        raise ConfigError(
            f"{told}: {thing!r}{source(thing)} is no dataclass, which is wanted: its fields are settings."
        )


def check_storable(told: str, arrays: Mapping[str, Any]) -> None:
    """Raise ConfigError unless a results file can hold these arrays, and give them back by their names."""
    for name, value in arrays.items():
        array = np.asarray(value)
        if not isinstance(name, str) or "/" in name or name in ("", "."):
            raise ConfigError(f"{told} has the name {name!r}: a text without a slash is wanted.")
        if array.dtype.kind not in STORED_KINDS or array.dtype.itemsize > STORED_BYTES or array.ndim > STORED_AXES:
            raise ConfigError(
                f"{told} has {name!r} of type {array.dtype} and {array.ndim} axes: checkpoints hold integers and "
                f"floats of at most {STORED_BYTES} bytes, in at most {STORED_AXES} axes."
            )


def source(thing: object) -> str:
    """Where something was written, as " (file.py, line 3)"; empty if nothing says so."""
    subject = thing if inspect.isclass(thing) or inspect.isroutine(thing) else type(thing)
    try:
        file, (_, line) = inspect.getsourcefile(subject), inspect.getsourcelines(subject)
    except (TypeError, OSError):
        return ""
    return f" ({os.path.basename(file)}, line {max(line, 1)})" if file else ""


def _name(thing: object) -> str:
    return str(getattr(thing, "__qualname__", None) or type(thing).__name__)


def _is_annotated(thing: object, name: str) -> bool:
    """Whether each object of a class is given it, as a dataclass's field without a default."""
    return inspect.isclass(thing) and any(name in vars(base).get("__annotations__", {}) for base in thing.__mro__)

"""Whether what somebody has written has what is asked of it, said before it is used."""

import dataclasses
import inspect
import os
from collections.abc import Iterable

from esmaml_mpi.errors import ConfigError, UserError


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

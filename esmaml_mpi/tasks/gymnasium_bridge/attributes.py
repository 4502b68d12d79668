"""Attributes of an environment, and elements of them, by name: ``gain``, ``body.drift``, ``model.body_mass[1]``.

What is there decides what may take its place. An array keeps its shape and type, and so does a list of numbers under
a range; other attributes take what they are given.
"""

import copy
import re
from typing import Any

import numpy as np

from esmaml_mpi.errors import FamilyError, Misfit, in_words
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.gymnasium_bridge.variation import Parameter

PART = re.compile(r"([^.\[\]]+)((?:\[[^\[\]]*\])*)")  # a name and its indices
NUMBERS = "biufc"


def shape_of(core: object, name: str) -> tuple[int, ...]:
    """The shape of the array or list of numbers at ``name``; () of anything else. FamilyError if nothing is there."""
    try:
        return _shape(_present(core, name))
    except Exception as error:
        raise _unset(name, in_words(error)) from error


def set_attribute(core: object, name: str, value: Parameter) -> None:
    """Set what is at ``name``; FamilyError if nothing is there, if ``value`` does not fit, or if it cannot be set."""
    try:
        *path, (last, indices) = _parts(name)
        for part, before in path:
            core = _element(getattr(core, part), before)
        if not indices:
            setattr(core, last, _fitting(getattr(core, last), value))
            return
        # A copy, as an array may be the class's, which other instances share.
        whole = copy.deepcopy(getattr(core, last))
        inner = _element(whole, indices[:-1])
        inner[indices[-1]] = _fitting(inner[indices[-1]], value)
        setattr(core, last, whole)
    except Exception as error:
        raise _unset(name, in_words(error)) from error


def _unset(name: str, why: str) -> FamilyError:
    return FamilyError(f"task.options.vary.{name}: the environment's attribute cannot be set: {why}.")


def _present(core: object, name: str) -> Any:
    for part, indices in _parts(name):
        core = _element(getattr(core, part), indices)
    return core


def _parts(name: str) -> list[tuple[str, list]]:
    """``a.b[1][0:2]`` as [("a", []), ("b", [1, slice(0, 2)])]."""
    found, rest = [], name
    while True:
        match = PART.match(rest)
        if match is None:
            raise Misfit("names with dots between them, and indices such as [1], [0, 2] or [1:3], are wanted")
        word, indices = match.groups()
        found.append((word, [_index(each) for each in re.findall(r"\[([^\]]*)\]", indices)]))
        rest = rest[match.end() :]
        if not rest:
            return found
        if not rest.startswith("."):
            raise Misfit("names with dots between them, and indices such as [1], [0, 2] or [1:3], are wanted")
        rest = rest[1:]


def _index(text: str) -> Any:
    """``1``, ``0, 2`` or ``1:3`` as what stands between brackets in Python."""
    try:
        indices = [
            slice(*(int(end) if end.strip() else None for end in each.split(":"))) if ":" in each else int(each)
            for each in text.split(",")
        ]
    except (TypeError, ValueError):
        raise Misfit(f"[{text}] is no index: integers and slices such as 1:3 are wanted") from None
    return indices[0] if len(indices) == 1 else tuple(indices)


def _element(container: Any, indices: list) -> Any:
    for index in indices:
        container = container[index]
    return container


def _shape(present: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = ()
    if isinstance(present, np.ndarray):
        shape = present.shape
    elif isinstance(present, list | tuple) and present:
        try:
            array = np.array(present)
        except ValueError:  # of unequal lengths
            return ()
        shape = array.shape if array.dtype.kind in NUMBERS else ()
    return shape


def _fitting(present: Any, value: Parameter) -> Any:
    """``value`` as what can stand where ``present`` does."""
    if isinstance(present, np.ndarray):
        return _as_array(present, value)
    if isinstance(present, list | tuple) and not isinstance(value, list):
        shape, given = _shape(present), np.asarray(value)
        if shape and given.shape != shape:
            raise Misfit(f"it has shape {shape}, and {show(value)} has shape {given.shape}")
        return type(present)(given.tolist()) if shape else value
    if isinstance(value, np.ndarray) and isinstance(present, bool | int | float | np.generic):
        raise Misfit(f"it has shape (), and {show(value.tolist())} has shape {value.shape}")
    return value


def _as_array(present: np.ndarray, value: Parameter) -> np.ndarray:
    """With the shape and the type of the array that is there."""
    given = np.array(value)
    if given.shape != present.shape:
        raise Misfit(f"it has shape {present.shape}, and {show(value)} has shape {given.shape}")
    fitting = given.astype(present.dtype)
    if present.dtype.kind not in "fcO" and not np.array_equal(fitting, given):
        how = " (a range of integers has integer = true)" if present.dtype.kind in "iu" else ""
        raise Misfit(f"it is an array of type {present.dtype}, and {show(value)} does not fit into it{how}")
    return fitting

"""What episodes of one process can have in common outside of themselves, to name what has changed under them."""

import math
import random
import sys
from collections.abc import Iterable, Mapping
from inspect import isclass, ismodule
from types import ModuleType
from typing import Any

import numpy as np

MOST_LOOKED_AT = 100  # elements of a list or table, attributes of an object
DEEPEST = 3  # objects inside one another
# Libraries whose modules are not a user's own; the standard library is added to them.
OTHERS = {"esmaml_mpi", "gym", "gymnasium", "mujoco", "numpy"}
NUMPY, PYTHON = "the global generator of numpy.random", "the global generator of random"


def shared_state(classes: Iterable[type]) -> dict[str, object]:
    """Name -> something that differs where it has changed: the global generators, and data of the modules that define
    these classes and their bases: global names, attributes of classes.
    """
    found: dict[str, object] = {
        NUMPY: _generator(np.random.get_state(legacy=False)),  # noqa: NPY002 (it is what others may use)
        PYTHON: random.getstate(),
    }
    for module in _modules(classes):
        for name, value in list(vars(module).items()):
            if name.startswith("__"):
                continue
            if isclass(value) and value.__module__ == module.__name__:
                for each, inner in list(vars(value).items()):
                    if not each.startswith("__"):
                        found[f"{name}.{each}"] = _seen(inner)
            elif not callable(value) and not ismodule(value):
                found[f"{module.__name__}.{name}"] = _seen(value)
    return found


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Names that are new, or whose values differ."""
    return sorted(name for name in after if name not in before or not _equal(before[name], after[name]))


def _modules(classes: Iterable[type]) -> list[ModuleType]:
    names = dict.fromkeys(base.__module__ for cls in classes for base in cls.__mro__)
    own = [name for name in names if name.partition(".")[0] not in OTHERS | set(sys.stdlib_module_names) - {"__main__"}]
    return [sys.modules[name] for name in own if name in sys.modules]


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # of a user's own class
        return one is other


def _generator(state: Any) -> str:
    with np.printoptions(threshold=sys.maxsize):
        return repr(state)


def _seen(value: Any, depth: int = 0) -> object:
    """Something that can be kept, and that differs where the value does."""
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return value
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes() if value.dtype != object else id(value)
    if isinstance(value, np.generic):
        return value.tobytes()
    if isinstance(value, np.random.Generator):
        return _generator(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return _generator(value.get_state(legacy=False))
    if isinstance(value, random.Random):
        return value.getstate()
    if depth == DEEPEST or isclass(value) or callable(value) or ismodule(value):
        return id(value)
    if isinstance(value, Mapping):
        inner = list(value.items())[:MOST_LOOKED_AT]
        return len(value), tuple((_seen(a, depth + 1), _seen(b, depth + 1)) for a, b in inner)
    if isinstance(value, list | tuple | set | frozenset):
        return len(value), tuple(_seen(each, depth + 1) for each in list(value)[:MOST_LOOKED_AT])
    attributes = list(getattr(value, "__dict__", {}).items())[:MOST_LOOKED_AT]
    return id(value), tuple((name, _seen(each, depth + 1)) for name, each in attributes)

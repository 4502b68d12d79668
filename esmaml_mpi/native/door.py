"""The one door to the compiled kernels: which instruction set runs, and the functions that algorithm code calls.

The best set of the processor runs, or the one that the environment variable ESMAML_NATIVE names. All give the same
bits, and so does NumPy, which runs where the extension could not be compiled or where ESMAML_NATIVE is "numpy".
"""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.native import elementary

# Of source/module.c; a build of an older checkout may lack some.
_KERNELS = (
    *("act", "cartpole", "elementary", "keep_memory", "learn", "moments", "names", "normals", "pack", "packed_size"),
    *("path", "point", "priced", "shifted", "squared_distance", "standardized", "weighted"),
)


def _opened() -> tuple[Any, str]:
    """The extension, or None and why there is none."""
    try:
        compiled = importlib.import_module("esmaml_mpi.native._kernels")
    except ImportError as error:
        return None, str(error)
    if all(hasattr(compiled, name) for name in _KERNELS):
        return compiled, ""
    return None, f"{compiled.__file__} was built from older sources; build it again"


_compiled, _reason = _opened()

VARIABLE = "ESMAML_NATIVE"
NUMPY = "numpy"
FUNCTIONS = ("tanh", "exp", "sin", "cos")  # their numbers in source/arrays.h


class Kernels:
    """The kernels of one instruction set. They take float64 arrays, and let other threads run."""

    def __init__(self, name: str, place: int) -> None:
        self.name, self._place = name, place

    def call(self, kernel: str, *arguments: Any) -> Any:
        """A kernel of ``source/module.c``."""
        return getattr(_compiled, kernel)(self._place, *arguments)

    def bound(self, kernel: str) -> Callable[..., Any]:
        """The same, looked up once for many calls."""
        return partial(getattr(_compiled, kernel), self._place)

    def elementary(self, name: str, x: np.ndarray, out: np.ndarray | None) -> np.ndarray:
        """See ``native/elementary.py``."""
        source = np.ascontiguousarray(x, dtype=np.float64)
        out = np.empty(np.shape(x)) if out is None else out
        found = out if out.flags.c_contiguous else np.empty(out.shape)
        self.call("elementary", FUNCTIONS.index(name), source, found)
        if found is not out:
            out[...] = found
        return out


_chosen: list[Kernels | None] = []  # the last one is in use


def names() -> list[str]:
    """What ESMAML_NATIVE may be here, best first."""
    return [*(_compiled.names() if _compiled else ()), NUMPY]


def kernels() -> Kernels | None:
    """Those in use; None where NumPy is."""
    if not _chosen:
        _chosen.append(_named(os.environ.get(VARIABLE) or names()[0]))
    return _chosen[-1]


@contextmanager
def using(name: str) -> Iterator[None]:
    """Another instruction set in the block, for the whole process."""
    _chosen.append(_named(name))
    try:
        yield
    finally:
        _chosen.pop()


def described() -> str:
    """One line about what computes rollouts."""
    chosen = kernels()
    if chosen:
        return f"compiled kernels for {chosen.name}"
    return "NumPy, as ESMAML_NATIVE asks for it" if _compiled else f"NumPy, several times slower: {_reason}"


def missing() -> str:
    """Why there are no compiled kernels; empty if there are."""
    return _reason


@cache
def keep_memory() -> None:
    """Have freed arrays of some megabytes kept by the process, up to 64 MB, as their like will be made again."""
    if _compiled:
        _compiled.keep_memory()


def shifted(centre: np.ndarray, directions: np.ndarray, factor: float, out: np.ndarray, first: int, step: int) -> None:
    """Columns ``first``, ``first + step``, .. of ``out`` (.., Q), one for each of the directions (.., K), become
    centre (..) + factor * direction.
    """
    chosen = kernels()
    if chosen and centre.flags.c_contiguous and directions.flags.c_contiguous and out.flags.c_contiguous:
        chosen.call("shifted", centre, directions, factor, out, first, step)
        return
    side = out[..., first : first + step * directions.shape[-1] : step]
    np.multiply(directions, factor, out=side)
    np.add(side, centre[..., None], out=side)


def weighted_sum(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums (d, ..) over the last axis of x (d, .., K) times weights (.., K). Changes ``x``."""
    chosen = kernels()
    if chosen and x.size and x.flags.c_contiguous:
        found = np.empty(x.shape[:-1])
        chosen.call("weighted", x, np.ascontiguousarray(weights), found)
        return found
    summed: np.ndarray = np.add.reduce(np.multiply(x, weights, out=x), axis=-1)
    return summed


def standardized(
    values: np.ndarray, pivot: np.ndarray | None, equal: float
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray] | None:
    """Values (.., K) and pivot (..) less their mean and over their standard deviation, and whether that is beyond
    ``equal`` times the largest of them (..), with zeros where not; see ``estimators/rewards.py``. None without kernels,
    and where squares may be out of range.
    """
    chosen = kernels()
    if not chosen or not values.size:
        return None
    values = np.ascontiguousarray(values, dtype=np.float64)
    pivot = None if pivot is None else np.ascontiguousarray(pivot, dtype=np.float64).reshape(np.shape(pivot))
    out, signal = np.empty(values.shape), np.empty(values.shape[:-1], dtype=np.uint8)
    out_pivot = None if pivot is None else np.empty(pivot.shape)
    chosen.call("standardized", values, pivot, equal, out, out_pivot, signal)
    return None if signal.max() > 1 else (out, out_pivot, signal.view(bool))


def layers(address: int) -> bytes | None:
    """Of the ziggurat of NumPy's function at this address; see ``native/normals.py``."""
    found: bytes | None = _compiled.learn(address)
    return found


def normals(layers: bytes, address: int, out: np.ndarray, keys: bytes) -> None:
    """Fill ``out`` (rows, K, columns) from K streams."""
    _compiled.normals(layers, address, out, keys)


def tanh(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Hyperbolic tangent, the same bits on every processor."""
    return _elementary("tanh", x, out)


def exp(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Exponential, the same bits on every processor."""
    return _elementary("exp", x, out)


def sin(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Sine of radians, the same bits on every processor."""
    return _elementary("sin", x, out)


def cos(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Cosine of radians, the same bits on every processor."""
    return _elementary("cos", x, out)


def log(x: np.ndarray) -> np.ndarray:
    """Natural logarithm, the same bits on every processor."""
    return elementary.log(x)


def moments(seen: np.ndarray, out: np.ndarray) -> None:
    """Sums over steps of observations (T, n, B), then of their squares, into ``out`` (2n, B). Changes ``seen``."""
    chosen, size = kernels(), seen.shape[1]
    if chosen and seen.flags.c_contiguous:
        chosen.call("moments", seen, out)
        return
    np.add.reduce(seen, axis=0, out=out[:size])
    np.add.reduce(np.multiply(seen, seen, out=seen), axis=0, out=out[size:])


def squared_distance(path: np.ndarray, goal: np.ndarray, out: np.ndarray, offset: np.ndarray) -> None:
    """Squared distance (T, B) of points (T, 2, B) to goals (2, B) or (2, 1); ``offset`` (T, 2, B) is scratch."""
    chosen = kernels()
    if chosen and path.flags.c_contiguous and out.flags.c_contiguous:
        chosen.call("squared_distance", path, goal, out)
        return
    np.subtract(path, goal, out=offset)
    np.multiply(offset, offset, out=offset)
    np.add(offset[:, 0], offset[:, 1], out=out)


def _elementary(name: str, x: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    chosen = kernels()
    found: np.ndarray = chosen.elementary(name, x, out) if chosen else getattr(elementary, name)(x, out)
    return found


def _named(name: str) -> Kernels | None:
    known = names()
    if name not in known:
        raise ConfigError(f"{VARIABLE} = {name!r}: this machine has {', '.join(known)}; one of these is wanted.")
    return None if name == NUMPY else Kernels(name, known.index(name))

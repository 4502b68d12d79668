"""Standard normals of keyed streams: those of ``tails.Generator(Philox(key=key, counter=counter))``, only faster.

A kernel makes the blocks of Philox and does what NumPy's ziggurat does with most of their words; the rest it leaves to
NumPy's own function, from which it has also learnt the layers of the ziggurat. So a number is always NumPy's, but for
the last bits of the tails.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np

from esmaml_mpi.native import door
from esmaml_mpi.native.tails import Generator

Key = tuple[int, int]  # words of 64 bits, least significant first
Counter = tuple[int, int, int, int]


def fill(out: np.ndarray, key: Key, counter: Counter) -> None:
    """Fill ``out`` (rows, columns), float64 whose columns lie side by side, with a stream's first standard normals."""
    learnt = _learnt() if door.kernels() else None
    if learnt:
        door.normals(*learnt, out, *key, *counter)
    else:
        out[...] = generator(key, counter).standard_normal(out.shape)


def generator(key: Key, counter: Counter) -> np.random.Generator:
    """The generator of a stream."""
    words = np.array(key, dtype=np.uint64), np.array(counter, dtype=np.uint64)
    return Generator(np.random.Philox(key=words[0], counter=words[1]))


@cache
def _learnt() -> tuple[Any, int] | None:
    """The layers of the ziggurat and the address of NumPy's function; None where it is not as it is known."""
    try:
        import numpy.random._generator as distributions  # NumPy documents that it can be opened as a library

        function = ctypes.CDLL(distributions.__file__).random_standard_normal
    except (ImportError, OSError, AttributeError):
        return None
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    layers = door.layers(address)
    return (layers, address) if layers else None

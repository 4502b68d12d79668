"""Standard normals of keyed streams: those of ``tails.Generator(Philox(..))``, only faster.

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

WORDS = 6  # of 64 bits that are the key of a stream: two of Philox's key, four of its counter, least significant first


def fill(out: np.ndarray, keys: bytes) -> None:
    """Fill ``out`` (rows, K, columns), float64 whose columns lie side by side, with the first standard normals of K
    streams: (rows, columns) of each.
    """
    learnt = _learnt() if door.kernels() else None
    if learnt:
        door.normals(*learnt, out, keys)
        return
    for k, key in enumerate(np.frombuffer(keys, dtype=np.uint64).reshape(-1, WORDS)):
        out[:, k] = generator(key).standard_normal((len(out), out.shape[2]))


def generator(key: np.ndarray) -> np.random.Generator:
    """The generator of a stream with this key (WORDS,), uint64."""
    return Generator(np.random.Philox(key=key[:2], counter=key[2:]))


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

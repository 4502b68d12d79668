"""Spaces of observations and actions as plain tables, which JSON keeps, and observations as vectors.

A table has the ``kind`` of a space and what it is made of: ``box`` (shape, dtype, low, high; null: no bound; one number
where all are equal), ``discrete`` and ``multidiscrete`` (n, start, dtype), ``multibinary`` (shape, dtype), ``dict``
(parts: pairs of name and space) and ``tuple`` (parts). With these a results file is enough to make vectors of
observations and actions of outputs, without Gymnasium.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def size_of(description: Mapping) -> int:
    """Numbers of a vector for this space; an exception if it is described otherwise than above."""
    kind = description["kind"]
    if kind == "dict":
        return sum(size_of(part) for _, part in description["parts"])
    if kind == "tuple":
        return sum(size_of(part) for part in description["parts"])
    if kind in ("discrete", "multidiscrete"):
        return int(np.sum(description["n"]))
    if kind in ("box", "multibinary"):
        return math.prod(map(int, description["shape"]))
    raise ValueError(f"a space of kind {kind!r}")


class Flattening:
    """How observations of a described space become vectors of ``size`` numbers, as Gymnasium's ``flatten`` does it."""

    def __init__(self, description: Mapping):
        self._leaves: list[tuple[tuple, _Leaf]] = list(_leaves(description, ()))
        edges = np.cumsum([0, *(leaf.size for _, leaf in self._leaves)]).tolist()
        self._slices = [slice(a, b) for a, b in itertools.pairwise(edges)]
        self.size = edges[-1]
        self._plain = description["kind"] == "box"

    def write(self, observation: Any, out: np.ndarray) -> None:
        """Write an observation into ``out`` (size,); an exception if it is none of the space."""
        if self._plain:
            out[...] = np.reshape(observation, self.size)  # no other type: what it has is not rounded
            return
        for (path, leaf), place in zip(self._leaves, self._slices, strict=True):
            leaf.write(np.asarray(_part(observation, path), dtype=leaf.dtype)[None], out[place, None])

    def write_batch(self, observations: Any, out: np.ndarray) -> None:
        """Write b observations, each part an array (b, ...), into ``out`` (size, b)."""
        if self._plain:
            out[...] = np.reshape(observations, (out.shape[1], self.size)).T
            return
        for (path, leaf), place in zip(self._leaves, self._slices, strict=True):
            leaf.write(np.asarray(_part(observations, path), dtype=leaf.dtype), out[place])


class _Leaf:
    """A part that is no table or tuple itself."""

    def __init__(self, description: Mapping):
        self.dtype = np.dtype(description["dtype"])
        self.counts = np.ravel(description["n"]) if "n" in description else None
        if self.counts is None:
            self.size = math.prod(description["shape"])
        else:
            self.start, self.offsets = np.ravel(description["start"]), np.cumsum([0, *self.counts])[:-1]
            self.size = int(self.counts.sum())

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Write values (b, ...) into ``out`` (size, b): choices as one 1 among zeros."""
        batch = out.shape[1]
        if self.counts is None:
            out[...] = values.reshape(batch, self.size).T
            return
        chosen = values.reshape(batch, len(self.counts)) - self.start
        if ((chosen < 0) | (chosen >= self.counts)).any():
            raise ValueError("a choice that the space does not have")
        out[...] = 0.0
        out[(chosen + self.offsets).T, np.arange(batch)] = 1.0


def _leaves(description: Mapping, path: tuple) -> Any:
    if description["kind"] == "dict":
        for name, part in description["parts"]:
            yield from _leaves(part, (*path, name))
    elif description["kind"] == "tuple":
        for i, part in enumerate(description["parts"]):
            yield from _leaves(part, (*path, i))
    else:
        yield path, _Leaf(description)


def _part(observation: Any, path: tuple) -> Any:
    for name in path:
        observation = observation[name]
    return observation

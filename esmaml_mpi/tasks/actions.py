"""From outputs of a policy to actions of a space, given as a plain description: ``spaces.py`` says what that is.

The policy has one output for each coordinate of a Box, one for each choice of a Discrete or MultiDiscrete space, the
largest of which is taken, and one for each bit of a MultiBinary space, set if it is positive. Those of a Dict or Tuple
space are its parts' one after the other, as Gymnasium flattens them.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from esmaml_mpi.errors import Misfit
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.bounds import Bounds

LOWEST = np.finfo(np.float64).min


class BoxActions:
    """Outputs within the bounds of a Box, scaled to them from [-1, 1] if ``scale``."""

    def __init__(self, description: Mapping, scale: bool):
        self.description = description
        self.shape, self.dtype = tuple(description["shape"]), np.dtype(description["dtype"])
        self.size = math.prod(self.shape)
        low, high = (
            np.broadcast_to(np.array([none if end is None else end for end in _listed(description[name])]), self.size)
            for name, none in (("low", -np.inf), ("high", np.inf))
        )
        self.bounds = Bounds(low, high, scale)
        self.limits = self.bounds.low[:, 0], self.bounds.high[:, 0]  # lowest and highest (m,)

    def batch(self, outputs: np.ndarray) -> np.ndarray:
        """Actions (b, ...) of outputs (m, b)."""
        actions = self.bounds(outputs)
        if self.dtype.kind in "iu":
            actions = np.rint(actions)
        return np.ascontiguousarray(actions.T, dtype=self.dtype).reshape(-1, *self.shape)

    def allowed(self, mask: Any) -> np.ndarray:
        """All of them: there is nothing to choose from."""
        if mask is not None:
            raise Misfit(f"action_mask {show(mask)} for a Box; choices alone have masks")
        return np.ones(self.size, dtype=bool)

    def check(self, allowed: np.ndarray) -> None:
        """Nothing can be wrong with that."""

    __call__ = batch


class ChoiceActions:
    """One output for each choice of a Discrete or MultiDiscrete space; the largest is taken, the first if several."""

    def __init__(self, description: Mapping):
        self.description = description
        counts = np.array(description["n"])
        self.shape, self.dtype = counts.shape, np.dtype(description["dtype"])
        self.edges = np.cumsum([0, *counts.ravel()])
        self.size = int(self.edges[-1])
        self.start = np.reshape(description["start"], -1)
        self.limits = _unlimited(0)

    def batch(self, outputs: np.ndarray) -> np.ndarray:
        """Actions (b, ...) of outputs (m, b)."""
        if len(self.edges) == 2:
            chosen = np.argmax(outputs, axis=0)[:, None]
        else:
            groups = itertools.pairwise(self.edges)
            chosen = np.stack([np.argmax(outputs[a:b], axis=0) for a, b in groups], axis=1)
        actions: np.ndarray = (chosen + self.start).astype(self.dtype)
        return actions.reshape(-1, *self.shape)

    def allowed(self, mask: Any) -> np.ndarray:
        """Which choices (m,) a mask leaves: an array of them, or a tuple with one for each of several choices."""
        if mask is None:
            return np.ones(self.size, dtype=bool)
        if isinstance(mask, tuple | list):
            mask = np.concatenate([np.ravel(each) for each in mask]) if mask else mask
        found = np.asarray(mask)
        if found.dtype.kind not in "biuf" or found.size != self.size:
            raise Misfit(
                f"action_mask {show(mask)} of shape {found.shape}; one for each of {self.size} choices is wanted"
            )
        return found.ravel().astype(bool)

    def check(self, allowed: np.ndarray) -> None:
        """Raise Misfit where nothing is left to choose from."""
        for a, b in itertools.pairwise(self.edges):
            if not allowed[a:b].any():
                raise Misfit(f"action_mask allows none of {b - a} choices, and the episode is not over")

    __call__ = batch


class BinaryActions:
    """One output for each bit, which is 1 if it is positive."""

    def __init__(self, description: Mapping):
        self.description = description
        self.shape, self.dtype = tuple(description["shape"]), np.dtype(description["dtype"])
        self.size, self.limits = math.prod(self.shape), _unlimited(0)

    def batch(self, outputs: np.ndarray) -> np.ndarray:
        """Actions (b, ...) of outputs (m, b)."""
        return np.ascontiguousarray(outputs.T > 0).astype(self.dtype).reshape(-1, *self.shape)

    def allowed(self, mask: Any) -> np.ndarray:
        """All of them."""
        if mask is not None:
            raise Misfit(f"action_mask {show(mask)} for a MultiBinary space; choices alone have masks")
        return np.ones(self.size, dtype=bool)

    def check(self, allowed: np.ndarray) -> None:
        """Nothing can be wrong with that."""

    __call__ = batch


class PartedActions:
    """Those of a Dict or a Tuple space: each part has outputs of its own."""

    def __init__(self, description: Mapping, scale: bool):
        self.description, parts = description, description["parts"]
        self.names = [name for name, _ in parts] if description["kind"] == "dict" else None  # a tuple's have none
        self.parts: list[Actions] = [actions_from(each if self.names is None else each[1], scale) for each in parts]
        edges: list[int] = np.cumsum([0, *(part.size for part in self.parts)]).tolist()
        self.slices = [slice(a, b) for a, b in itertools.pairwise(edges)]
        self.size: int = edges[-1]

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest (m,), infinite for choices and bits; empty where no part is a Box."""
        ends = [part.limits for part in self.parts]
        if not any(len(low) for low, _ in ends):
            return _unlimited(0)
        filled = [each if len(each[0]) else _unlimited(part.size) for part, each in zip(self.parts, ends, strict=True)]
        return np.concatenate([low for low, _ in filled]), np.concatenate([high for _, high in filled])

    def batch(self, outputs: np.ndarray) -> Any:
        """Actions of outputs (m, b): a table or a tuple of arrays (b, ...), as vector environments take them."""
        return self._whole([part.batch(outputs[each]) for part, each in zip(self.parts, self.slices, strict=True)])

    def __call__(self, outputs: np.ndarray) -> list:
        """The b actions of outputs (m, b), one by one."""
        columns = [part(outputs[each]) for part, each in zip(self.parts, self.slices, strict=True)]
        return [self._whole(list(each)) for each in zip(*columns, strict=True)]

    def allowed(self, mask: Any) -> np.ndarray:
        """Which outputs (m,) a mask leaves: a table or a tuple with those of parts, as Gymnasium's ``sample`` takes."""
        if mask is None:
            return np.ones(self.size, dtype=bool)
        if self.names is not None and isinstance(mask, Mapping):
            masks = [mask.get(name) for name in self.names]
        elif self.names is None and isinstance(mask, tuple | list) and len(mask) == len(self.parts):
            masks = list(mask)
        else:
            raise Misfit(f"action_mask {show(mask)}; {'a table' if self.names else 'a tuple'} of masks is wanted")
        return np.concatenate([part.allowed(each) for part, each in zip(self.parts, masks, strict=True)])

    def check(self, allowed: np.ndarray) -> None:
        """Raise Misfit where a part has nothing left to choose from."""
        for part, each in zip(self.parts, self.slices, strict=True):
            part.check(allowed[each])

    def _whole(self, parts: list) -> Any:
        return tuple(parts) if self.names is None else dict(zip(self.names, parts, strict=True))


Actions = BoxActions | ChoiceActions | BinaryActions | PartedActions


def actions_from(description: Mapping, scale: bool) -> Actions:
    """Actions of a described space; TypeError if it is none of the kinds above."""
    kind = description["kind"]
    if kind == "box":
        return BoxActions(description, scale)
    if kind in ("discrete", "multidiscrete"):
        return ChoiceActions(description)
    if kind == "multibinary":
        return BinaryActions(description)
    if kind in ("dict", "tuple"):
        return PartedActions(description, scale)
    raise TypeError("actions in a Box, Discrete, MultiDiscrete or MultiBinary space, or a Dict or Tuple, are wanted")


def masked(outputs: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Outputs (m, ...) with those that are not ``allowed`` (m, ...) smaller than any that is."""
    return np.where(allowed, np.maximum(outputs, LOWEST), -np.inf)


def _unlimited(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(size, -np.inf), np.full(size, np.inf)


def _listed(bound: Any) -> list:
    return bound if isinstance(bound, list) else [bound]

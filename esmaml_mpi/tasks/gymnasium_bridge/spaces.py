"""Between spaces and plain numbers: observations to vectors, outputs of policies to actions."""

import math
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from esmaml_mpi.errors import FamilyError, in_words
from esmaml_mpi.settings.fields import show

LARGEST_BOUND = 1e10  # larger ones, the largest float32 for example, stand for none


@dataclass(frozen=True)
class Observations:
    """How observations of a space become vectors of ``size`` numbers."""

    space: spaces.Space
    size: int

    def write(self, observation: Any, out: np.ndarray) -> None:
        """Write an observation into ``out`` (size,)."""
        if isinstance(self.space, spaces.Box):
            out[...] = np.reshape(observation, self.size)  # what flatten does, without its dispatch
        else:
            out[...] = spaces.flatten(self.space, observation)


def observations_of(space: Any) -> Observations:
    """Observations of a space; ValueError or TypeError if it has no fixed size."""
    space = standard(space)
    return Observations(space, int(spaces.flatdim(space)))


class BoxActions:
    """Outputs in [-1, 1] scaled to the bounds, where an action has both and ``scale`` says so; others are clipped."""

    def __init__(self, space: spaces.Box, scale: bool):
        self.space, self.size = space, math.prod(space.shape)
        low, high = (np.reshape(end, (-1, 1)).astype(np.float64) for end in (space.low, space.high))
        self.low = np.where(np.abs(low) < LARGEST_BOUND, low, -np.inf)
        self.high = np.where(np.abs(high) < LARGEST_BOUND, high, np.inf)
        self.scaled = np.flatnonzero(np.isfinite(self.low) & np.isfinite(self.high)) if scale else np.empty(0, int)

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """Actions (b, ...) of outputs (m, b)."""
        actions = outputs.copy()
        if len(self.scaled):
            low, high = self.low[self.scaled], self.high[self.scaled]
            actions[self.scaled] = low + (np.clip(outputs[self.scaled], -1.0, 1.0) + 1.0) * (0.5 * (high - low))
        actions = np.clip(actions, self.low, self.high)
        if self.space.dtype.kind in "iu":
            actions = np.rint(actions)
        return np.ascontiguousarray(actions.T).astype(self.space.dtype).reshape(-1, *self.space.shape)


class ChoiceActions:
    """One output for each choice of a Discrete or MultiDiscrete space; the largest is taken, the first if several."""

    def __init__(self, space: spaces.Discrete | spaces.MultiDiscrete):
        self.space = space
        counts: list[int] = [int(space.n)] if isinstance(space, spaces.Discrete) else space.nvec.ravel().tolist()
        self.edges = np.cumsum([0, *counts])
        self.size = int(self.edges[-1])
        self.start = np.reshape(space.start, -1)

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """Actions (b, ...) of outputs (m, b)."""
        chosen = [np.argmax(outputs[a:b], axis=0) for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]
        actions = (np.stack(chosen, axis=1) + self.start).astype(self.space.dtype)
        return actions.reshape(-1, *(self.space.shape or ()))


class BinaryActions:
    """One output for each bit, which is 1 if it is positive."""

    def __init__(self, space: spaces.MultiBinary):
        self.space, self.size = space, math.prod(space.shape)

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """Actions (b, ...) of outputs (m, b)."""
        return np.ascontiguousarray(outputs.T > 0).astype(self.space.dtype).reshape(-1, *self.space.shape)


Actions = BoxActions | ChoiceActions | BinaryActions


def actions_of(space: Any, scale: bool) -> Actions:
    """Actions of a space; TypeError if it is none of the kinds above."""
    space = standard(space)
    if isinstance(space, spaces.Box):
        return BoxActions(space, scale)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return ChoiceActions(space)
    if isinstance(space, spaces.MultiBinary):
        return BinaryActions(space)
    raise TypeError("actions in a Box, Discrete, MultiDiscrete or MultiBinary space are wanted")


def converters(env: Any, scale: bool, environment: str) -> tuple[Observations, Actions]:
    """Observations and actions of an instance; FamilyError if there is no way to or from its spaces."""
    try:
        what, space = "observation_space", env.observation_space
        observations = observations_of(space)
        what, space = "action_space", env.action_space
        return observations, actions_of(space, scale)
    except Exception as error:  # of duck-typed spaces too
        raise FamilyError(
            f"task.options.environment = {show(environment)}: its {what} {show(space)} cannot be used: "
            f"{in_words(error)}."
        ) from error


def standard(space: Any) -> spaces.Space:
    """A space as Gymnasium's; those of the older gym, or anything with their attributes, are translated."""
    if isinstance(space, gymnasium.Space):
        return space
    if hasattr(space, "nvec"):
        return spaces.MultiDiscrete(np.asarray(space.nvec))
    if hasattr(space, "low") and hasattr(space, "high"):
        dtype = np.dtype(getattr(space, "dtype", None) or np.float64)
        shape = getattr(space, "shape", None) or np.broadcast_shapes(np.shape(space.low), np.shape(space.high))
        low, high = (np.broadcast_to(np.asarray(end), shape).astype(dtype) for end in (space.low, space.high))
        return spaces.Box(low, high, dtype=dtype.type)
    if hasattr(space, "spaces"):
        if hasattr(space.spaces, "items"):
            return spaces.Dict({name: standard(inner) for name, inner in space.spaces.items()})
        return spaces.Tuple([standard(inner) for inner in space.spaces])
    if hasattr(space, "n"):
        if getattr(space, "shape", None):
            return spaces.MultiBinary(space.shape)
        return spaces.Discrete(int(space.n), start=int(getattr(space, "start", 0)))
    raise TypeError(f"{type(space).__name__} is no space")

"""Spaces of Gymnasium, or of the older gym, as the plain tables of ``tasks/spaces.py``, and what is made from them."""

import math
from collections.abc import Iterable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate

from esmaml_mpi.errors import FamilyError, in_words
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.actions import Actions, actions_from
from esmaml_mpi.tasks.spaces import Flattening

LARGEST_BOUND = 1e10  # larger ones, the largest float32 for example, stand for none
WANTED = "actions in a Box, Discrete, MultiDiscrete or MultiBinary space, or a Dict or Tuple of these, are wanted"


class Observations:
    """How observations of a space become vectors of ``size`` numbers; ``description`` is None where it has no table."""

    def __init__(self, space: spaces.Space):
        self.space, self.size = space, int(spaces.flatdim(space))
        self.description = described(space)
        self._flattening = None if self.description is None else Flattening(self.description)

    def write(self, observation: Any, out: np.ndarray) -> None:
        """Write an observation into ``out`` (size,)."""
        if self._flattening is None:
            out[...] = spaces.flatten(self.space, observation)
        else:
            self._flattening.write(observation, out)

    def write_batch(self, observations: Any, out: np.ndarray) -> None:
        """Write b observations, as vector environments give them, into ``out`` (size, b)."""
        if self._flattening is None:
            each: Iterable = iterate(batch_space(self.space, out.shape[1]), observations)
            for column, observation in enumerate(each):
                out[:, column] = spaces.flatten(self.space, observation)
        else:
            self._flattening.write_batch(observations, out)


def observations_of(space: Any) -> Observations:
    """Observations of a space; ValueError or TypeError if it has no fixed size."""
    return Observations(standard(space))


def actions_of(space: Any, scale: bool) -> Actions:
    """Actions of a space; TypeError if there are none of its kind."""
    description = described(standard(space))
    if description is None:
        raise TypeError(WANTED)
    return actions_from(description, scale)


def described(space: spaces.Space) -> dict | None:
    """The table of a space; None if it has none."""
    if isinstance(space, spaces.Box):
        dtype = space.dtype.name
        return dict(kind="box", shape=list(space.shape), dtype=dtype, low=_bound(space.low), high=_bound(space.high))
    if isinstance(space, spaces.Discrete):
        return dict(kind="discrete", n=int(space.n), start=int(space.start), dtype=space.dtype.name)
    if isinstance(space, spaces.MultiDiscrete):
        start = np.asarray(space.start).tolist()
        return dict(kind="multidiscrete", n=space.nvec.tolist(), start=start, dtype=space.dtype.name)
    if isinstance(space, spaces.MultiBinary):
        return dict(kind="multibinary", shape=list(space.shape), dtype=space.dtype.name)
    if isinstance(space, spaces.Dict) and all(isinstance(name, str | int) for name in space.spaces):
        parts = [(name, described(part)) for name, part in space.spaces.items()]
        return None if any(part is None for _, part in parts) else dict(kind="dict", parts=[list(p) for p in parts])
    if isinstance(space, spaces.Tuple):
        described_parts = [described(part) for part in space.spaces]
        return None if None in described_parts else dict(kind="tuple", parts=described_parts)
    return None


def _bound(bound: np.ndarray) -> Any:
    """The numbers of a Box's bound, None where there is none; one where all are equal."""
    ends = np.ravel(bound).astype(np.float64)
    ends[np.abs(ends) >= LARGEST_BOUND] = np.nan
    if len(ends) and (np.isnan(ends).all() or (ends == ends[0]).all()):
        return None if np.isnan(ends[0]) else float(ends[0])
    return [None if math.isnan(end) else end for end in ends.tolist()]


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

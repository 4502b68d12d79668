"""One instance of an environment, Gymnasium's or in the style of the older gym."""

import inspect
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from esmaml_mpi.errors import FamilyError, Misfit, in_words
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.actions import Actions
from esmaml_mpi.tasks.gymnasium_bridge.attributes import set_attribute, shape_of
from esmaml_mpi.tasks.gymnasium_bridge.masks import mask_of
from esmaml_mpi.tasks.gymnasium_bridge.source import close, layers, own_limit
from esmaml_mpi.tasks.gymnasium_bridge.spaces import Observations
from esmaml_mpi.tasks.gymnasium_bridge.success import success_of


class AnyInstance(Protocol):
    """An environment with its converters, in this process or in one of its own.

    ``broken``: it has raised, or was interrupted, and must not be used again. ``truncated``: its last episode was cut
    short by itself. ``own_limit``: steps after which it does that, None if it does not say so. ``classes``: what it is
    made of, if it is in this process. ``mask``: which outputs (m,) stand for choices that are left, None: all.
    ``success``: the most that ``info`` has said of the episode's success at any step, nan if nothing.
    """

    observations: Observations
    actions: Actions
    mask: np.ndarray | None
    broken: bool
    truncated: bool
    success: float
    own_limit: int | None
    reset_takes_options: bool
    classes: list[type]

    def reset(self, seed: int, values: dict, out: np.ndarray) -> None:
        """Start an episode of the task with these values and write the first observation into ``out`` (n,)."""

    def step(self, action: object, out: np.ndarray) -> tuple[float, bool]:
        """Act, write the next observation into ``out`` (n,); the reward, and whether the episode is over."""

    def render(self) -> object:
        """What the environment draws; None if it does not."""

    def set_attributes(self, values: dict) -> None:
        """Set attributes; FamilyError if one cannot be set."""

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of an attribute; FamilyError if there is none."""

    def close(self) -> None:
        """Let go of windows, files and the like."""


class Instance:
    """An AnyInstance in this process. Observations beyond +-``clip`` are clipped, if that is not 0."""

    def __init__(self, env: Any, observations: Observations, actions: Actions, vary_as: str, clip: float = 0.0) -> None:
        self.env, self.observations, self.actions, self.vary_as = env, observations, actions, vary_as
        self._clip = clip
        self.mask: np.ndarray | None = None
        self.core = getattr(env, "unwrapped", env)
        self.own_limit = own_limit(env)
        wrapped = layers(env)
        self.classes = [type(layer) for layer in wrapped]
        self.reset_takes_seed = all(_takes(layer.reset, "seed") for layer in wrapped)
        self.reset_takes_options = all(_takes(layer.reset, "options") for layer in wrapped)
        self._seed = next((layer.seed for layer in wrapped if callable(getattr(layer, "seed", None))), None)
        self.broken = self.truncated = False
        self.success = math.nan

    def reset(self, seed: int, values: dict, out: np.ndarray) -> None:
        """See ``AnyInstance``."""
        self.broken, self.success = True, math.nan
        if self.vary_as == "attribute":
            self.set_attributes(values)
        arguments: dict[str, Any] = {}
        if self.reset_takes_seed:
            arguments["seed"] = seed
        elif self._seed is not None:
            self._seed(seed)
        if self.vary_as == "reset" and values:
            arguments["options"] = dict(values)
        first = self.env.reset(**arguments)
        self.mask = None
        if isinstance(first, tuple) and len(first) == 2 and isinstance(first[1], dict):
            first, info = first
            self.mask = mask_of(info, self.actions)
        self._write("reset", first, out)
        self.broken = False

    def step(self, action: object, out: np.ndarray) -> tuple[float, bool]:
        """See ``AnyInstance``."""
        self.broken = True
        outcome = self.env.step(action)
        if not isinstance(outcome, tuple | list):
            raise Misfit(f"step() of {type(self.core).__name__} gave {show(outcome)}; a tuple of 5 is wanted")
        if len(outcome) == 5:
            observation, reward, terminated, truncated, info = outcome
            over = bool(terminated) or bool(truncated)
        elif len(outcome) == 4:
            observation, reward, over, info = outcome  # a time limit sets done too
            truncated = isinstance(info, dict) and info.get("TimeLimit.truncated", False)
        else:
            raise FamilyError(
                f"step() of {type(self.core).__name__} gave {len(outcome)} values; 5 are wanted, or 4 as in gym."
            )
        self._write("step", observation, out)
        self.mask = mask_of(info, self.actions)
        earned = self._number(reward)
        if over:
            self.truncated = bool(truncated)
        self.success = float(np.fmax(self.success, success_of(info)))
        self.broken = False
        return earned, bool(over)

    def _write(self, method: str, observation: object, out: np.ndarray) -> None:
        try:
            self.observations.write(observation, out)
        except Exception as error:
            shape = getattr(observation, "shape", None)
            raise Misfit(
                f"{method}() of {type(self.core).__name__} gave an observation "
                f"{show(observation) if shape is None else f'of shape {shape}'}, which does not fit its "
                f"observation_space {show(self.observations.space)} ({in_words(error)})"
            ) from error
        if self._clip:
            np.clip(out, -self._clip, self._clip, out=out)  # leaves nan as it is

    def _number(self, reward: Any) -> float:
        try:
            return float(reward.item() if isinstance(reward, np.ndarray) else reward)
        except (TypeError, ValueError):
            raise Misfit(
                f"step() of {type(self.core).__name__} gave the reward {show(reward)}; a number is wanted"
            ) from None

    def render(self) -> object:
        """See ``AnyInstance``. In the style of the older gym it is told how."""
        try:
            if "mode" in inspect.signature(self.env.render).parameters:
                return self.env.render(mode="rgb_array")
            return self.env.render()
        except NotImplementedError:  # what Gymnasium's base class does
            return None

    def set_attributes(self, values: dict) -> None:
        """See ``AnyInstance``."""
        for name, value in values.items():
            set_attribute(self.core, name, value)

    def shape_of(self, name: str) -> tuple[int, ...]:
        """See ``AnyInstance``."""
        return shape_of(self.core, name)

    def close(self) -> None:
        """See ``AnyInstance``."""
        close(self.env)


def _takes(method: Callable, name: str) -> bool:
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):  # compiled code need not say
        return True
    return name in parameters or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())

"""One vector environment: ``num_envs`` episodes, its lanes, that start together."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from esmaml_mpi.errors import FamilyError, Misfit, in_words
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.actions import Actions
from esmaml_mpi.tasks.gymnasium_bridge.attributes import set_attribute, shape_of
from esmaml_mpi.tasks.gymnasium_bridge.masks import masks_of
from esmaml_mpi.tasks.gymnasium_bridge.source import close, layers, own_limit
from esmaml_mpi.tasks.gymnasium_bridge.spaces import Observations
from esmaml_mpi.tasks.gymnasium_bridge.success import successes_of
from esmaml_mpi.tasks.gymnasium_bridge.variation import Parameter

Values = dict[str, Parameter]
OF_ENVIRONMENTS = (gymnasium.vector.SyncVectorEnv, gymnasium.vector.AsyncVectorEnv)


def is_vector(env: object) -> bool:
    """Whether it is a vector environment, Gymnasium's or one with its attributes."""
    return isinstance(env, gymnasium.vector.VectorEnv) or (
        hasattr(env, "num_envs") and hasattr(env, "single_observation_space")
    )


class VectorInstance:
    """A vector environment with its converters. ``truncated`` (lanes,): which episodes the last step has cut short.
    ``broken``: it has raised, or was interrupted.
    """

    def __init__(
        self, env: Any, observations: Observations, actions: Actions, vary_as: str, listed: bool, clip: float = 0.0
    ) -> None:
        """``listed``: it is reset with a list of seeds, one for each lane; else with one for all. Observations beyond
        +-``clip`` are clipped, if that is not 0.
        """
        self._clip = clip
        self.env, self.observations, self.actions, self.vary_as = env, observations, actions, vary_as
        self.core, self.lanes, self._listed = getattr(env, "unwrapped", env), int(env.num_envs), listed
        mode = getattr(env, "metadata", {}).get("autoreset_mode")
        self._resets_itself = mode not in (AutoresetMode.DISABLED, AutoresetMode.DISABLED.value)
        self._ended: np.ndarray | None = None  # lanes that have to be reset before the next step
        self.masks: np.ndarray | None = None  # which outputs (m, lanes) stand for choices that are left; None: all
        self.success: np.ndarray | None = None  # (lanes,) what the last step said of it; None: nothing
        self.truncated = np.zeros(self.lanes, dtype=bool)
        self.broken = False

    def reset(self, seeds: Sequence[int], values: Sequence[Values]) -> Any:
        """Start all lanes, with a seed and the values of a task each; their first observations."""
        self.broken = True
        if self.vary_as == "attribute":
            self.set_attributes(values)
        options = self._options(values)
        outcome = self.env.reset(seed=list(seeds) if self._listed else seeds[0], **options)
        if not isinstance(outcome, tuple) or len(outcome) != 2:
            raise Misfit(f"reset() of {self.name} gave {show(outcome)}; observations and infos are wanted")
        observations, infos = outcome
        self.masks, self._ended = masks_of(infos, self.actions, self.lanes), None
        self.broken = False
        return observations

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray]:
        """Act on all lanes: observations, rewards (lanes,), and which episodes are over (lanes,)."""
        self.broken = True
        if self._ended is not None:  # as Gymnasium asks for where nothing else resets them
            self.env.reset(options={"reset_mask": self._ended})
            self._ended = None
        outcome = self.env.step(actions)
        if not isinstance(outcome, tuple) or len(outcome) != 5:
            raise Misfit(f"step() of {self.name} gave {show(outcome)}; a tuple of 5 is wanted")
        observations, rewards, terminated, truncated, infos = outcome
        self.truncated = np.asarray(truncated)
        rewards, over = np.asarray(rewards), np.logical_or(terminated, truncated)
        for what, each in (("rewards", rewards), ("ends", over)):
            if each.shape != (self.lanes,):
                raise Misfit(f"step() of {self.name} gave {what} of shape {each.shape}; ({self.lanes},) is wanted")
        if not self._resets_itself and over.any():
            self._ended = over
        self.masks = masks_of(infos, self.actions, self.lanes)
        self.success = successes_of(infos, self.lanes)
        self.broken = False
        return observations, rewards, over

    def write(self, method: str, observations: Any, out: np.ndarray) -> None:
        """Write observations, as ``reset`` or ``step`` gave them, into ``out`` (n, lanes)."""
        try:
            self.observations.write_batch(observations, out)
        except Exception as error:
            shape = getattr(observations, "shape", None)
            raise Misfit(
                f"{method}() of {self.name} gave observations "
                f"{show(observations) if shape is None else f'of shape {shape}'}, which do not fit {self.lanes} times "
                f"its single_observation_space {show(self.observations.space)} ({in_words(error)})"
            ) from error
        if self._clip:
            np.clip(out, -self._clip, self._clip, out=out)  # leaves nan as it is

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of a lane's attribute of this name; FamilyError if lanes have none."""
        if hasattr(self.core, "envs"):
            return shape_of(self.core.envs[0].unwrapped, name)
        shape = shape_of(self.core, name)
        if not shape or shape[0] != self.lanes:
            raise FamilyError(
                f"task.options.vary.{name}: it has shape {shape} in the vector environment {self.name}; an array with "
                f"a row for each of num_envs = {self.lanes} is wanted, or task.options.vary_as = 'constructor', which "
                "makes one for each task."
            )
        return shape[1:]

    def set_attributes(self, values: Sequence[Values]) -> None:
        """Set those of all lanes; FamilyError if they cannot be."""
        for name in values[0]:
            if hasattr(self.core, "envs"):
                for env, each in zip(self.core.envs, values, strict=True):
                    set_attribute(env.unwrapped, name, each[name])
            else:
                self.shape_of(name)
                set_attribute(self.core, name, [each[name] for each in values])

    def _options(self, values: Sequence[Values]) -> dict[str, Any]:
        """What is given to reset beside seeds: each environment of several gets all of it, another finds its row."""
        if self.vary_as != "reset" or not values[0]:
            return {}
        if isinstance(self.core, OF_ENVIRONMENTS):
            return {"options": dict(values[0])}
        return {"options": {name: _rows([each[name] for each in values]) for name in values[0]}}

    @property
    def own_limit(self) -> int | None:
        """Steps after which it cuts episodes short by itself, None if neither it nor its first lane says so."""
        lanes = getattr(self.core, "envs", ())
        return own_limit(self.env) or (own_limit(lanes[0]) if isinstance(lanes, (list, tuple)) and lanes else None)

    @property
    def classes(self) -> list[type]:
        """What it is made of."""
        return [type(layer) for layer in layers(self.env)]

    @property
    def name(self) -> str:
        return type(self.core).__name__

    def close(self) -> None:
        """Let go of windows, files and the like."""
        close(self.env)


def _rows(values: list) -> np.ndarray | list:
    """An array with a row for each lane where they are numbers, else a list."""
    try:
        array = np.array(values)
    except ValueError:
        return values
    return array if array.dtype.kind in "biuf" else values

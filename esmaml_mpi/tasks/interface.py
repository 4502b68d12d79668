"""What a program beside the simulator has to know of a family: how many numbers go in and out, and what they are.

Results files and sessions carry it, so that a robot's computer needs neither the family nor its libraries.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from esmaml_mpi.errors import FamilyError, Misfit, UsageError, in_words
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.actions import Actions, actions_from, masked
from esmaml_mpi.tasks.bounds import Bounds
from esmaml_mpi.tasks.spaces import Flattening, size_of


@dataclass(frozen=True)
class Interface:
    """Observations (n,) that go into a policy and actions (m,) that come out; what a family does not say is empty.

    Names carry their units, as in "roll (rad)". An action is clipped to ``action_low`` .. ``action_high`` (m,),
    infinite where there is no bound; if ``actions_scaled``, outputs of -1 and +1 stand for these bounds where both are
    finite, with a straight line between them, and outputs beyond +-1 are clipped first. ``rate`` is in actions a
    second; 0: the family has no clock. ``observation_space`` and ``action_space`` are JSON: what observations are
    before they become vectors, and what actions are that outputs become, as ``spaces.py`` has it.
    """

    observation_size: int
    action_size: int
    observation_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    action_low: tuple[float, ...] = ()
    action_high: tuple[float, ...] = ()
    actions_scaled: bool = False
    rate: float = 0.0
    observation_space: str = ""
    action_space: str = ""

    def __post_init__(self) -> None:
        for name, size in SIZED.items():
            values, wanted = getattr(self, name), getattr(self, size)
            if values and len(values) != wanted:
                raise FamilyError(f"{name}: {len(values)} of them for {size} = {wanted}; one each, or none, is wanted.")
        for name, size in SPACES.items():
            space, wanted = getattr(self, name), getattr(self, size)
            if space and size_of(json.loads(space)) != wanted:
                raise FamilyError(f"{name} = {show(space)}: it is not of {size} = {wanted}.")

    @cached_property
    def _flattening(self) -> Flattening:
        return Flattening(json.loads(self.observation_space))

    @cached_property
    def _actions(self) -> Actions:
        return actions_from(json.loads(self.action_space), self.actions_scaled)

    @cached_property
    def _bounds(self) -> Bounds:
        low, high, size = self.action_low, self.action_high, self.action_size
        return Bounds(low or (-np.inf,) * size, high or (np.inf,) * size, self.actions_scaled)

    def vector(self, observation: Any) -> np.ndarray:
        """An observation, as the environment gives it, as numbers (n,). UsageError if it is none of its space."""
        vector = np.empty(self.observation_size)
        try:
            if self.observation_space:
                self._flattening.write(observation, vector)
            else:
                vector[...] = np.reshape(observation, self.observation_size)
        except Exception as error:  # of whatever it is instead
            space = self.observation_space or f"numbers ({self.observation_size},)"
            raise UsageError(f"observation = {show(observation)}: {space} is wanted ({in_words(error)}).") from error
        return vector

    def action(self, outputs: np.ndarray, mask: Any = None) -> Any:
        """The action that outputs (m,) stand for, as the environment takes it: within its bounds, or a choice.

        ``mask`` is what the environment has in ``info["action_mask"]``: what it forbids is not chosen. UsageError if it
        is no such mask, or forbids everything.
        """
        if not self.action_space:
            if mask is not None:
                raise UsageError(f"mask = {show(mask)}: these actions are no choices, None is wanted.")
            return self._bounds(outputs[:, None])[:, 0]
        try:
            if mask is not None:
                allowed = self._actions.allowed(mask)
                self._actions.check(allowed)
                outputs = masked(outputs, allowed)
        except Misfit as error:
            raise UsageError(f"{error}.") from None
        return self._actions(outputs[:, None])[0]


# Which size each of the optional lists has.
SIZED = {
    "observation_names": "observation_size",
    "action_names": "action_size",
    "action_low": "action_size",
    "action_high": "action_size",
}

# Which size each of the spaces has.
SPACES = {"observation_space": "observation_size", "action_space": "action_size"}


def interface_of(family: Any) -> Interface:
    """What a family says of itself: its sizes, and those of the other fields that it has as attributes."""
    told: dict[str, Any] = {
        name: tuple(_plain(getattr(family, name, ()), getattr(family, size))) for name, size in SIZED.items()
    }
    spaces = {name: getattr(family, name, None) for name in SPACES}
    told |= {name: json.dumps(space) for name, space in spaces.items() if isinstance(space, Mapping)}
    return Interface(
        family.observation_size,
        family.action_size,
        **told,
        actions_scaled=bool(getattr(family, "actions_scaled", False)),
        rate=float(getattr(family, "rate", 0.0)),
    )


def _plain(values: Any, size: int) -> list:
    """A list of what a family says of each; one number stands for all."""
    if np.ndim(values) == 0:
        return [values] * size
    return values.tolist() if isinstance(values, np.ndarray) else list(values)

"""What a program beside the simulator has to know of a family: how many numbers go in and out, and what they are.

Results files and sessions carry it, so that a robot's computer needs neither the family nor its libraries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from esmaml_mpi.errors import FamilyError


@dataclass(frozen=True)
class Interface:
    """Observations (n,) that go into a policy and actions (m,) that come out; what a family does not say is empty.

    Names carry their units, as in "roll (rad)". An action is clipped to ``action_low`` .. ``action_high`` (m,),
    infinite where there is no bound; if ``actions_scaled``, outputs of -1 and +1 stand for these bounds where both are
    finite, with a straight line between them, and outputs beyond +-1 are clipped first. ``rate`` is in actions a
    second; 0: the family has no clock.
    """

    observation_size: int
    action_size: int
    observation_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    action_low: tuple[float, ...] = ()
    action_high: tuple[float, ...] = ()
    actions_scaled: bool = False
    rate: float = 0.0

    def __post_init__(self) -> None:
        for name, size in SIZED.items():
            values, wanted = getattr(self, name), getattr(self, size)
            if values and len(values) != wanted:
                raise FamilyError(f"{name}: {len(values)} of them for {size} = {wanted}; one each, or none, is wanted.")


# Which size each of the optional lists has.
SIZED = {
    "observation_names": "observation_size",
    "action_names": "action_size",
    "action_low": "action_size",
    "action_high": "action_size",
}


def interface_of(family: Any) -> Interface:
    """What a family says of itself: its sizes, and those of the other fields that it has as attributes."""
    told = {name: tuple(_plain(getattr(family, name, ()))) for name in SIZED}
    return Interface(
        family.observation_size,
        family.action_size,
        **told,
        actions_scaled=bool(getattr(family, "actions_scaled", False)),
        rate=float(getattr(family, "rate", 0.0)),
    )


def _plain(values: Sequence[Any] | np.ndarray) -> list:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)

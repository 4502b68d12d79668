"""The group /interface of a results file or a session: what ``tasks/interface.py`` has, as attributes and datasets."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from esmaml_mpi.tasks.interface import SIZED, SPACES, Interface

GROUP = "interface"
MEANINGS = {
    "observation_names": "what each observation is, with its unit",
    "action_names": "what each action is",
    "action_low": "lowest action; -inf: no bound",
    "action_high": "highest action; inf: no bound",
    "observation_space": "JSON: what observations are before they become vectors",
    "action_space": "JSON: what actions are that outputs become",
}


def stored(interface: Interface) -> tuple[dict[str, int | float | bool], dict[str, np.ndarray]]:
    """Attributes and datasets of the group; lists that are empty are left out."""
    attributes = dict(
        observation_size=interface.observation_size,
        action_size=interface.action_size,
        actions_scaled=interface.actions_scaled,
        rate=interface.rate,
    )
    told = {name: getattr(interface, name) for name in SIZED}
    lists = {
        name: np.array([word.encode() for word in values] if name.endswith("names") else values, dtype=None)
        for name, values in told.items()
        if values
    }
    spaces = {name: getattr(interface, name).encode() for name in SPACES}  # too long for attributes if of pictures
    return attributes, lists | {name: np.array(text) for name, text in spaces.items() if text}


def interface_from(attributes: Mapping[str, object], datasets: Mapping[str, np.ndarray]) -> Interface:
    """The interface that attributes and datasets describe; an exception if they do not."""
    told: dict[str, Any] = {
        name: tuple(word.decode() for word in datasets[name].tolist())
        if name.endswith("names")
        else tuple(map(float, datasets[name]))
        for name in SIZED
        if name in datasets
    }
    told |= {name: bytes(datasets[name]).decode() for name in SPACES if name in datasets}
    return Interface(
        int(attributes["observation_size"]),  # type: ignore[call-overload]  # whatever it is: not a number raises
        int(attributes["action_size"]),  # type: ignore[call-overload]
        actions_scaled=bool(attributes["actions_scaled"]),
        rate=float(attributes["rate"]),  # type: ignore[arg-type]
        **told,
    )

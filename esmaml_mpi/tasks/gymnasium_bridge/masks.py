"""Masks of actions: which choices ``info["action_mask"]`` leaves."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from esmaml_mpi.tasks.actions import Actions, masked

KEY = "action_mask"


def mask_of(info: object, actions: Actions) -> np.ndarray | None:
    """Which outputs (m,) stand for choices that are left; None where nothing is said. Misfit if it is no such mask."""
    mask = info.get(KEY) if isinstance(info, Mapping) else None
    return None if mask is None else actions.allowed(mask)


def masks_of(infos: Mapping, actions: Actions, count: int) -> np.ndarray | None:
    """The same of a vector environment's infos (m, count); all choices are left to those that say nothing."""
    if KEY not in infos:
        return None
    said = np.broadcast_to(infos.get(f"_{KEY}", True), count)
    allowed = np.ones((actions.size, count), dtype=bool)
    for lane in np.flatnonzero(said):
        allowed[:, lane] = actions.allowed(_lane(infos[KEY], int(lane)))
    return allowed


def obeying(
    outputs: np.ndarray, masks: Iterable[np.ndarray | None], acting: np.ndarray, actions: Actions
) -> np.ndarray:
    """Outputs (m, b) of which no masked choice is the largest. Misfit where one that is ``acting`` has none left."""
    for j, mask in enumerate(masks):
        if mask is not None and acting[j]:
            actions.check(mask)
            outputs[:, j] = masked(outputs[:, j], mask)
    return outputs


def _lane(mask: Any, lane: int) -> Any:
    """One environment's of the masks of all: those of parts are inside tables and tuples."""
    if isinstance(mask, Mapping):
        return {name: _lane(part, lane) for name, part in mask.items() if not str(name).startswith("_")}
    return tuple(_lane(part, lane) for part in mask) if isinstance(mask, tuple) else mask[lane]

"""What environments say of success in ``info``: of one step, and of one step of all lanes of a vector environment."""

import math
from typing import Any

import numpy as np

NAMES = ("success", "is_success")


def success_of(info: Any) -> float:
    """What a step's info says; nan if nothing."""
    if isinstance(info, dict):
        for name in NAMES:
            if name in info:
                try:
                    return float(info[name])
                except (TypeError, ValueError, OverflowError):  # something else of that name
                    continue
    return math.nan


def successes_of(infos: Any, lanes: int) -> np.ndarray | None:
    """What a step's infos say of each lane (lanes,), nan where nothing; None if they say nothing at all.

    Of lanes that were started anew in this step it is in ``final_info``.
    """
    if not isinstance(infos, dict):
        return None
    found, last = _lanes(infos, lanes), _lanes(infos.get("final_info"), lanes)
    if last is None:
        return found
    anew = np.broadcast_to(np.asarray(infos.get("_final_info", True), dtype=bool), (lanes,))
    return np.where(anew, last, math.nan if found is None else found)


def _lanes(infos: Any, lanes: int) -> np.ndarray | None:
    if not isinstance(infos, dict):
        return None
    for name in NAMES:
        if name in infos:
            try:
                values = np.broadcast_to(np.asarray(infos[name], dtype=np.float64), (lanes,))
                told = np.broadcast_to(np.asarray(infos.get(f"_{name}", True), dtype=bool), (lanes,))
            except (TypeError, ValueError, OverflowError):
                continue
            return np.where(told, values, math.nan)
    return None

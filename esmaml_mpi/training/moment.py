"""What a function of the user's is told of a run that it watches, and may stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True)
class Moment:
    """A run after ``iteration`` of ``iterations`` meta-updates, as a callback of ``train`` is given it.

    ``value`` is the mean adapted return of the current meta-policy before this update, ``theta`` (d,) the parameters
    after it. ``before`` and ``after`` (tasks, repeats) are the returns of the latest test, nan where one failed, and
    ``tested_at`` the updates that its parameters had had; None before the first test. ``seconds``: since
    training began or was resumed.
    """

    iteration: int
    iterations: int
    value: float
    theta: np.ndarray
    tested_at: int | None
    before: np.ndarray | None
    after: np.ndarray | None
    seconds: float


Callback: TypeAlias = Callable[[Moment], object]  # True: the run saves and stops

"""The series of a run as columns of numbers, for CSV and for pandas.

Tests are in long form, a row for each adaptation: iteration, task, repeat, before, after. Of other groups a row is one
of the file's, and a series of vectors has a column for each element, as values_0.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def columns(rows: Mapping[str, np.ndarray], group: str, task_ids: Sequence[int]) -> dict[str, np.ndarray]:
    """The columns (R,) of a group by their names; ``rows`` are its series by name."""
    return _long(rows, task_ids) if group == "test" else _wide(rows)


def _long(rows: Mapping[str, np.ndarray], task_ids: Sequence[int]) -> dict[str, np.ndarray]:
    tests, tasks, repeats = shape = rows["after"].shape if len(rows["iteration"]) else (0, 0, 0)
    axes = {
        "iteration": rows["iteration"].reshape(tests, 1, 1),
        "task": np.array(task_ids[:tasks], dtype=np.int64).reshape(1, tasks, 1),
        "repeat": np.arange(repeats).reshape(1, 1, repeats),
    }
    found = {name: np.broadcast_to(values, shape).ravel() for name, values in axes.items()}
    return found | {name: rows[name].ravel() for name in ("before", "after")}


def _wide(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        "_".join([name, *map(str, place)]): values[:, *place]
        for name, values in rows.items()
        for place in np.ndindex(values.shape[1:])
    }

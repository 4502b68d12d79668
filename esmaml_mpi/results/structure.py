"""Whether the arrays of a results file belong together: a whole file may still be another program's work."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.makers import make_algorithm
from esmaml_mpi.observations.statistics import STORED_LIMBS
from esmaml_mpi.results.history import GROUPS


class Mismatch(ValueError):
    """What does not fit."""


def checked(arrays: Mapping, checkpoint: Mapping, task_ids: np.ndarray, config: Config) -> dict[str, dict]:
    """The series of a file, ``arrays[group][name]``; those that are newer than the file are filled with their defaults.

    Raises Mismatch unless series, checkpoint, task ids and config agree in sizes, types and row counts.
    """
    evaluations = make_algorithm(config).evaluations
    if task_ids.ndim != 1 or task_ids.dtype.kind != "i" or not len(task_ids) or task_ids.min() < 0:
        raise Mismatch("test/task_id is not a list of task ids")
    theta, sums = _array(checkpoint, "theta", "f"), _array(checkpoint, "statistics/sums", "i")
    (d,) = _shaped(theta, (None,), "checkpoint/theta")
    rows, _ = _shaped(sums, (None, STORED_LIMBS), "checkpoint/statistics/sums")
    if rows % 2:
        raise Mismatch(f"checkpoint/statistics/sums has {rows} rows, an odd number")
    sizes = {"E": evaluations, "d": d, "n": rows // 2, "tasks": len(task_ids), "repeats": config.test.repeats}
    complete: dict[str, dict] = {}
    for group, series in GROUPS.items():
        found = arrays[group]
        if not found and all(about.default is not None for name, about in series.items() if name != "iteration"):
            found = {"iteration": np.empty(0, series["iteration"].dtype)}  # the whole group is newer than the file
        count = len(np.atleast_1d(found["iteration"])) if "iteration" in found else 0
        complete[group] = {}
        for name, about in series.items():
            letters = [letter.strip() for letter in about.row.strip("()").split(",") if letter.strip()]
            row = tuple(sizes[letter] for letter in letters) if count else ()
            array = found.get(name)
            if array is None:
                if about.default is None:
                    raise Mismatch(f"{group}/{name} is missing")
                array = np.full((count, *row), about.default, dtype=about.dtype)
            _shaped(array, (count, *row), f"{group}/{name}")
            if array.dtype.kind != about.dtype[0]:
                raise Mismatch(f"{group}/{name} has type {array.dtype}")
            complete[group][name] = array
    iteration = _array(checkpoint, "iteration", "i")
    _shaped(iteration, (), "checkpoint/iteration")
    _shaped(_array(checkpoint, "statistics/count", "i"), (), "checkpoint/statistics/count")
    if iteration != len(complete["train"]["iteration"]):
        raise Mismatch(f"checkpoint/iteration is {iteration}, and train has {len(complete['train']['iteration'])} rows")
    if config.meta.optimizer == "adam":
        _shaped(_array(checkpoint, "optimizer/count", "i"), (), "checkpoint/optimizer/count")
        for name in ("optimizer/first", "optimizer/second"):
            if _array(checkpoint, name, "f").shape not in ((), (d,)):
                raise Mismatch(f"checkpoint/{name} has another size than theta")
    return complete


def _array(tree: Mapping[str, Any], path: str, kind: str) -> np.ndarray:
    found: Any = tree
    for name in path.split("/"):
        found = found[name]
    if getattr(getattr(found, "dtype", None), "kind", None) != kind:
        raise Mismatch(f"checkpoint/{path} is no array of numbers of its type")
    array: np.ndarray = found
    return array


def _shaped(array: np.ndarray, wanted: tuple[int | None, ...], name: str) -> tuple[int, ...]:
    """The shape of an array if it is as wanted, None standing for any length."""
    shape = np.shape(array)
    if len(shape) != len(wanted) or any(w not in (None, have) for w, have in zip(wanted, shape, strict=True)):
        raise Mismatch(f"{name} has shape {shape}, not {tuple('any' if w is None else w for w in wanted)}")
    return shape

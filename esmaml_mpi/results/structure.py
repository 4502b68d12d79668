"""Whether the arrays of a results file belong together: a whole file may still be another program's work.

``check_shapes`` looks at types and shapes before a number is read, ``check_numbers`` at the few that others depend on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.makers import make_algorithm
from esmaml_mpi.meta import kept_by
from esmaml_mpi.meta.optimizers import OPTIMIZERS
from esmaml_mpi.observations.statistics import STORED_LIMBS, ObservationStatistics
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.settings.contract import STORED_KINDS

CHECKPOINT = "checkpoint/"


class Mismatch(ValueError):
    """What does not fit."""


@dataclass(frozen=True)
class Stored:
    """A dataset: type and shape as NumPy has them, and the byte of the file at which its numbers begin, if they stand
    there in one piece.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int | None


def check_shapes(found: Mapping[str, Stored], config: Config) -> dict[str, Stored]:
    """The datasets that a file of this config is read from. Raises Mismatch unless they agree in types and shapes.

    ``found`` has those of the file by path. Series that are newer than the file are not among them.
    """
    chosen = {"test/task_id": _wanted(found, "test/task_id", "i", (None,))}
    if not chosen["test/task_id"].shape[0]:
        raise Mismatch("test/task_id is not a list of task ids")
    (d,) = _chosen(found, chosen, "checkpoint/theta", "f", (None,))
    rows, _ = _chosen(found, chosen, "checkpoint/statistics/sums", "i", (None, STORED_LIMBS))
    if rows % 2:
        raise Mismatch(f"checkpoint/statistics/sums has {rows} rows, an odd number")
    for name in ("iteration", "statistics/count"):
        _chosen(found, chosen, CHECKPOINT + name, "i", ())
    tasks = chosen["test/task_id"].shape[0]
    # Only its own code knows how much an algorithm of the user's evaluates.
    algorithm = make_algorithm(config) if config.is_opened else None
    evaluations = algorithm.evaluations if algorithm else None
    sizes = {"E": evaluations, "d": d, "n": rows // 2, "tasks": tasks, "repeats": config.test.repeats}
    _check_series(found, chosen, sizes)
    if config.meta.optimizer == "adam":
        _chosen(found, chosen, "checkpoint/optimizer/count", "i", ())
        for name in ("checkpoint/optimizer/first", "checkpoint/optimizer/second"):
            _moment(found, chosen, name, d)
    elif config.meta.optimizer == "sgd":
        if "checkpoint/optimizer/velocity" in found or config.meta.optimizer_options.get("momentum"):
            _moment(found, chosen, "checkpoint/optimizer/velocity", d)
    elif not OPTIMIZERS.is_ours(config.meta.optimizer):
        for name in (each for each in found if each.startswith("checkpoint/optimizer/")):
            _chosen(
                found,
                chosen,
                name,
                found[name].dtype.kind if found[name].dtype.kind in STORED_KINDS else "f",
                found[name].shape,
            )
    if _any(found, "checkpoint/memory/"):  # files of earlier versions have none, and used none
        (kept, _) = _chosen(found, chosen, "checkpoint/memory/matrix", "f", (None, d))
        if kept > config.meta.memory_rows:
            raise Mismatch(f"checkpoint/memory/matrix has {kept} rows, and meta.memory_rows is less")
        _chosen(found, chosen, "checkpoint/memory/latest", "f", (d,))
        _chosen(found, chosen, "checkpoint/memory/forgotten", "f", ())
    if _any(found, "checkpoint/unit_statistics/"):
        units = algorithm.keeps_unit_statistics if algorithm else None
        _chosen(found, chosen, "checkpoint/unit_statistics/sums", "f", (units, 1 + rows))
    if algorithm:
        for name, array in kept_by(algorithm, d).items():
            _chosen(found, chosen, f"checkpoint/kept/{name}", array.dtype.kind, array.shape)
    else:  # only its own code knows what it remembers
        for name in (each for each in found if each.startswith("checkpoint/kept/")):
            _chosen(found, chosen, name, found[name].dtype.kind, found[name].shape)
    return chosen


def check_numbers(iterations: Mapping[str, np.ndarray], checkpoint: Mapping[str, Any], task_ids: np.ndarray) -> None:
    """Raise Mismatch unless iterations (by group), checkpoint and task ids can be those of a run."""
    if task_ids.min() < 0:
        raise Mismatch("test/task_id is not a list of task ids")
    done, train = int(checkpoint["iteration"]), iterations["train"]
    if done != len(train):
        raise Mismatch(f"checkpoint/iteration is {done}, and train has {len(train)} rows")
    if not np.array_equal(train, np.arange(done)):
        raise Mismatch("train/iteration does not count the rows")
    for group, rows in iterations.items():
        if group != "recovery" and len(rows) and (np.any(np.diff(rows) < 0) or rows[0] < 0 or rows[-1] > done):
            raise Mismatch(f"{group}/iteration is out of order")
    for name in ("parameters", "normalization"):
        if not np.array_equal(iterations[name], iterations["parameters"]):
            raise Mismatch(f"{name}/iteration is not that of parameters")
    moments = checkpoint.get("optimizer", {})
    if {"count", "first", "second"} == set(moments) and np.any(moments["count"] < 0):
        raise Mismatch("checkpoint/optimizer/count is negative")
    if not all(np.isfinite(each).all() for each in checkpoint.get("memory", {}).values()):
        raise Mismatch("checkpoint/memory has numbers that are not finite")
    try:
        if checkpoint["statistics"]["count"] < 0:
            raise ValueError
        ObservationStatistics.from_arrays(checkpoint["statistics"]).mean_std()
    except (ValueError, OverflowError):
        raise Mismatch("checkpoint/statistics are not those of observations") from None


def _check_series(found: Mapping[str, Stored], chosen: dict[str, Stored], sizes: Mapping[str, int | None]) -> None:
    for group, series in GROUPS.items():
        if not _any(found, group + "/") and all(
            about.default is not None for name, about in series.items() if name != "iteration"
        ):
            continue  # the whole group is newer than the file
        (count,) = _chosen(found, chosen, f"{group}/iteration", "i", (None,))
        for name, about in series.items():
            path = f"{group}/{name}"
            if path not in found and about.default is not None:
                continue
            row = tuple(sizes[letter] for letter in about.letters) if count else ()
            _chosen(found, chosen, path, about.dtype[0], (count, *row))


def _moment(found: Mapping[str, Stored], chosen: dict[str, Stored], name: str, d: int) -> None:
    """What an optimizer remembers of gradients, a scalar before the first of them."""
    shape = found[name].shape if name in found else None
    if shape not in ((), (d,)):
        raise Mismatch(f"{name} {'is missing' if shape is None else 'has another size than theta'}")
    _chosen(found, chosen, name, "f", shape)


def _any(found: Mapping[str, Stored], prefix: str) -> bool:
    return any(path.startswith(prefix) for path in found)


def _chosen(
    found: Mapping[str, Stored], chosen: dict[str, Stored], path: str, kind: str, wanted: tuple[int | None, ...]
) -> tuple[int, ...]:
    """Note a dataset that is read, if it is as wanted; its shape."""
    chosen[path] = _wanted(found, path, kind, wanted)
    return chosen[path].shape


def _wanted(found: Mapping[str, Stored], path: str, kind: str, wanted: tuple[int | None, ...]) -> Stored:
    """The dataset at a path if its type and shape are as wanted, None standing for any length."""
    if path not in found:
        raise Mismatch(f"{path} is missing")
    stored = found[path]
    shape = stored.shape
    if stored.dtype.kind != kind:
        if path.startswith(CHECKPOINT):
            raise Mismatch(f"{path} is no array of numbers of its type")
        raise Mismatch(f"{path} has type {stored.dtype}, not one of {'integers' if kind == 'i' else 'numbers'}")
    if len(shape) != len(wanted) or any(w not in (None, have) for w, have in zip(wanted, shape, strict=True)):
        raise Mismatch(f"{path} has shape {shape}, not {tuple('any' if w is None else w for w in wanted)}")
    return stored

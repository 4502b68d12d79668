"""The series that a run produces, row by row: what they are, and those rows that are in memory."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Series:
    """One dataset: its type, the shape of a row (letters are explained in ``meaning``), unit and meaning.

    ``default`` stands in every row of a file that was written before there was this series; None: all files have it.
    """

    dtype: str
    row: str
    unit: str
    meaning: str
    default: float | None = None

    @property
    def letters(self) -> list[str]:
        """The sizes that a row has, by their letters."""
        return [letter.strip() for letter in self.row.strip("()").split(",") if letter.strip()]


_ITERATION = Series("i8", "()", "meta-updates", "meta-updates done before this row was measured")

# Row i of each series of a group belongs to iteration[i] of that group.
GROUPS: dict[str, dict[str, Series]] = {
    "train": {
        "iteration": _ITERATION,
        "meta_value": Series(
            "f8",
            "()",
            "reward",
            "adapted return of the current meta-policy, mean over the current evaluations (and tasks)",
        ),
        "values": Series(
            "f8",
            "(E,)",
            "reward",
            "zero_order, zero_order_reuse, snes: adapted return of each evaluation, mean over its tasks, first the "
            "perturbed meta-policies, then the current ones; first_order: returns of each task's queries at theta and "
            "its pivot, then of each task's queries at its adapted policy and of that policy itself; pg_maml, e_maml: "
            "returns of each task's support trajectories, step by step, then of its query trajectories; evo_maml, "
            "evo_zero_order: returns of each task's adaptation, in order, then of the rollouts of its outer gradient, "
            "the pivot last; nan: failed",
        ),
        "failed_units": Series("i8", "()", "evaluations", "evaluations that failed and left the estimate"),
        "redraws": Series(
            "i8", "()", "redraws", "how often this iteration was drawn again because too many evaluations failed"
        ),
        "reused": Series(
            "f8",
            "()",
            "evaluations",
            "zero_order_reuse: how many evaluations those of the last iteration count for, their effective sample "
            "size; nan: none is reused",
            default=math.nan,
        ),
        "rollouts": Series(
            "i8", "()", "rollouts", "training rollouts simulated in this iteration, pivots and redraws included"
        ),
        "env_steps": Series("i8", "()", "environment steps", "training steps simulated in this iteration"),
        "seconds": Series(
            "f8",
            "()",
            "s",
            "wall-clock time on rank 0 since the previous row (or the start), tests and file writing included",
        ),
        "gradient_norm": Series(
            "f8",
            "()",
            "normalised reward / parameter",
            "Euclidean norm of the meta-gradient estimate, of rewards as meta.reward_normalization makes them; "
            "pg_maml, e_maml: of the step",
        ),
        "parameter_norm": Series("f8", "()", "parameter", "Euclidean norm of theta before the update"),
    },
    "timing": {
        "iteration": _ITERATION,
        "broadcast": Series("f8", "()", "s", "sending theta and observation statistics, on rank 0"),
        "evaluate": Series("f8", "()", "s", "rank 0's own units, 0 when it only aggregates"),
        "gather": Series("f8", "()", "s", "waiting for the other ranks, gathering scalars, reducing statistics"),
        "update": Series("f8", "()", "s", "regenerating directions, estimating, stepping: rank 0's serial part"),
        "write": Series(
            "f8",
            "()",
            "s",
            "handing rows and a checkpoint over to be written beside training, after the previous iteration; 0: none",
        ),
    },
    "recovery": {
        "iteration": Series("i8", "()", "meta-updates", "iteration that was done again because ranks had died"),
        "ranks_lost": Series("i8", "()", "ranks", "ranks that died"),
        "ranks_left": Series("i8", "()", "ranks", "ranks that went on"),
        "aggregator_lost": Series(
            "i8", "()", "0 or 1", "1 if rank 0 was among the dead: its successor went on from the last checkpoint"
        ),
        "seconds": Series("f8", "()", "s", "from noticing the loss to going on, without the work done again"),
    },
    "test": {
        "iteration": _ITERATION,
        "before": Series(
            "f8", "(tasks, repeats)", "reward", "return of the meta-policy on each test task; nan: failed"
        ),
        "after": Series("f8", "(tasks, repeats)", "reward", "return after adaptation to each test task; nan: failed"),
        "success_before": Series(
            "f8",
            "(tasks, repeats)",
            "share",
            "share of the episodes of `before` that were a success by the environment's own word; nan: failed, or it "
            "does not say",
            default=math.nan,
        ),
        "success_after": Series(
            "f8", "(tasks, repeats)", "share", "the same of the episodes of `after`", default=math.nan
        ),
    },
    "parameters": {
        "iteration": _ITERATION,
        "value": Series("f8", "(d,)", "parameter", "meta-parameters theta"),
    },
    "normalization": {
        "iteration": _ITERATION,
        "mean": Series("f8", "(n,)", "observation", "observation mean in force at this iteration"),
        "std": Series("f8", "(n,)", "observation", "observation standard deviation in force at this iteration"),
        "count": Series("i8", "()", "observations", "training observations the statistics are over"),
    },
}


class History:
    """Series of a run. ``history["train"]["values"]`` is an array whose rows are iterations.

    A run that writes a file takes out what it hands to its writer; ``latest`` is known all the same.
    """

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], np.ndarray] = {}
        self._clear()

    def append(self, group: str, **row: object) -> None:
        """Add one row to every series of a group."""
        if row.keys() != GROUPS[group].keys():
            raise KeyError(f"a row of {group} has {sorted(GROUPS[group])}, not {sorted(row)}")
        for name, value in row.items():
            self._columns[group][name].append(value)
            self._latest[group, name] = np.array(value, dtype=GROUPS[group][name].dtype)

    def latest(self, group: str, name: str) -> np.ndarray | None:
        """The last row that a series has had, wherever it is now."""
        return self._latest.get((group, name))

    def take(self) -> "History":
        """All rows, which are then here no more."""
        taken = History()
        taken._columns, taken._latest = self._columns, dict(self._latest)
        self._clear()
        return taken

    def extend(self, later: "History") -> None:
        """Add all rows of another history behind these."""
        for group, series in later._columns.items():
            for name, column in series.items():
                for row in column.rows[: column.count]:
                    self._columns[group][name].append(row)
        self._latest |= later._latest

    def __getitem__(self, group: str) -> dict[str, np.ndarray]:
        return {name: column.values() for name, column in self._columns[group].items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> "History":
        """Inverse of indexing every group."""
        history = cls()
        for group, series in history._columns.items():
            for name in series:
                rows = np.array(arrays[group][name], dtype=GROUPS[group][name].dtype)
                series[name] = _Column(rows)
                if len(rows):
                    history._latest[group, name] = rows[-1]
        return history

    def _clear(self) -> None:
        self._columns = {
            group: {name: _Column(np.empty(0, about.dtype)) for name, about in series.items()}
            for group, series in GROUPS.items()
        }


class _Column:
    """Rows of one shape in an array that grows: an array for each row would cost ten times the memory of a number."""

    def __init__(self, rows: np.ndarray):
        self.rows, self.count = rows, len(rows)

    def append(self, row: object) -> None:
        row = np.asarray(row, dtype=self.rows.dtype)
        if self.count == 0:
            self.rows = np.empty((16, *row.shape), dtype=self.rows.dtype)
        elif row.shape != self.rows.shape[1:]:
            raise ValueError(f"a row of shape {row.shape} after rows of shape {self.rows.shape[1:]}")
        elif self.count == len(self.rows):
            rows = np.empty((self.count + self.count // 4 + 16, *row.shape), dtype=self.rows.dtype)
            rows[: self.count] = self.rows
            self.rows = rows
        self.rows[self.count] = row
        self.count += 1

    def values(self) -> np.ndarray:
        """A copy of the rows; without any, the shape of a row is not known."""
        return self.rows[: self.count].copy() if self.count else np.empty(0, dtype=self.rows.dtype)

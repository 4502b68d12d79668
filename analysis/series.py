"""Curves out of results files: one number a row, and what it had cost by then."""

from collections.abc import Callable, Iterable

import numpy as np

from esmaml_mpi.errors import UserError
from esmaml_mpi.results.reader import Results
from esmaml_mpi.results.repair import looked_at

SPENT = ("rollouts", "env_steps", "seconds")  # series of /train that count what an iteration has cost
METRICS = {
    "after": "test reward per episode, after adaptation",
    "before": "test reward per episode, before adaptation",
    "meta_value": "training reward per episode, after adaptation",
}
COSTS = {
    "iteration": "meta-iterations",
    "rollouts": "training rollouts",
    "env_steps": "training environment steps",
    "seconds": "wall-clock time (s)",
}


class NoRowsError(UserError):
    """A run has not got so far."""


def load_all(paths: Iterable, note: Callable[[str], None], need: str = "test") -> list[Results]:
    """Results files as ``load`` takes them; those without rows yet are left out, unless none has any."""
    loaded, without = [], []
    for path in paths:
        try:
            loaded.append(load(path, note, need))
        except NoRowsError as error:
            without.append(error)
    if not loaded:
        raise without[0]
    for error in without:
        note(f"left out: {error}")
    return loaded


def load(path, note: Callable[[str], None], need: str = "test") -> Results:
    """A results file that has rows of group ``need``; UserError says why it is not one."""
    results = looked_at(path, note)
    if len(results.history[need]["iteration"]) == 0:
        every = results.config.test.every
        hint = " (test.every = 0: they are measured only at the end)" if need == "test" and every == 0 else ""
        raise NoRowsError(f"{path} has no {need} rows yet{hint}.")
    return results


def finite_mean(values: np.ndarray, axes: int | tuple[int, ...]) -> np.ndarray:
    """Mean over ``axes`` of what is finite: failed rollouts are nan and stay out. nan where nothing is left."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axes)
    total = np.where(finite, values, 0.0).sum(axis=axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def curve(results: Results, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Iterations (R,) and the metric (R,) of a run; test rewards are means over test tasks and repeats."""
    if metric == "meta_value":
        rows = results.history["train"]
        return rows["iteration"], rows["meta_value"]
    rows = results.history["test"]
    return rows["iteration"], finite_mean(rows[metric], (1, 2))


def failures(results: Results, metric: str) -> int:
    """Number of test returns that are missing from the metric because their rollouts failed."""
    return 0 if metric == "meta_value" else int(np.count_nonzero(~np.isfinite(results.history["test"][metric])))


def cost(results: Results, iterations: np.ndarray, kind: str) -> np.ndarray:
    """What training had spent when theta had had this many updates (R,); ``kind`` is a key of COSTS. Seconds are the
    run's: rollouts of tests are not counted, and their time is.
    """
    if kind == "iteration":
        return iterations
    train = results.history["train"]
    spent = np.concatenate([[0], np.cumsum(train[kind])])
    return spent[np.searchsorted(train["iteration"], iterations)]

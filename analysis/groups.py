"""Runs of the same experiment with different seeds, as one curve."""

import sys
from dataclasses import dataclass
from functools import reduce

import numpy as np
import series

from esmaml_mpi.config import flat
from esmaml_mpi.errors import UserError
from esmaml_mpi.launch import FREE
from esmaml_mpi.results.reader import Results

# Settings that do not make another experiment: seed and name, and what may change when a run is resumed.
IGNORED = ("run.seed", "run.name", *FREE)
FEWEST_FOR_QUARTILES = 4


@dataclass
class Group:
    """Runs that differ in seed alone: at R common iterations, ``values`` (seeds, R) and mean cost so far ``x`` (R,)."""

    label: str
    family: str
    iterations: np.ndarray
    x: np.ndarray
    values: np.ndarray

    @property
    def seeds(self) -> int:
        """Number of runs."""
        return len(self.values)

    @property
    def mean(self) -> np.ndarray:
        return series.finite_mean(self.values, 0)

    def band(self) -> tuple[np.ndarray, np.ndarray, str]:
        """Lower and upper edge (R,) over seeds, and what they are."""
        values = np.where(np.isfinite(self.values), self.values, self.mean)  # a missing test must not move the edges
        if self.seeds < FEWEST_FOR_QUARTILES:
            return values.min(axis=0), values.max(axis=0), "min to max"
        return *np.quantile(values, [0.25, 0.75], axis=0), "quartiles"

    def at(self, row: int) -> str:
        """Mean and standard error over seeds in one row."""
        values = self.values[:, row][np.isfinite(self.values[:, row])]
        error = f" +- {values.std(ddof=1) / np.sqrt(values.size):.2f}" if values.size > 1 else ""
        return f"{values.mean():.2f}{error}" if values.size else "failed"


def group(runs: list[Results], metric: str, x: str) -> list[Group]:
    """Groups in the order in which their first run was given."""
    members: dict[tuple, list[Results]] = {}
    for run in runs:
        missing = series.failures(run, metric)
        if missing:
            _note(f"{run.path}: {missing} test returns are missing (failed rollouts) and left out of the means")
        members.setdefault(tuple(sorted(_settings(run).items())), []).append(run)
    labels = _labels([dict(key) for key in members])
    return [_average(label, _distinct(same), metric, x) for label, same in zip(labels, members.values(), strict=True)]


def _average(label: str, runs: list[Results], metric: str, x: str) -> Group:
    curves = [series.curve(run, metric) for run in runs]
    iterations = reduce(np.intersect1d, [own for own, _ in curves])
    if iterations.size == 0:
        raise UserError(f"the runs of {label} have no iteration in common.")
    longest = max(own[-1] for own, _ in curves)
    if iterations[-1] < longest:
        _note(f"{label}: drawn to iteration {iterations[-1]}, the last of all its runs; the longest has {longest}")
    values = np.array([value[np.isin(own, iterations)] for own, value in curves])
    spent = np.mean([series.cost(run, iterations, x) for run in runs], axis=0)
    return Group(label, runs[0].config.task.name, iterations, spent, values)


def _distinct(runs: list[Results]) -> list[Results]:
    """One run for each seed: a second one would be the same numbers, counted twice."""
    best: dict[int, Results] = {}
    for run in sorted(runs, key=lambda run: -len(run.history["train"]["iteration"])):
        kept = best.setdefault(run.config.run.seed, run)
        if kept is not run:
            _note(f"{run.path} left out: it is the same run as {kept.path} (same settings, seed {run.config.run.seed})")
    return list(best.values())


def _settings(run: Results) -> dict[str, str]:
    """Dotted name -> value as text, of all settings that make an experiment."""
    return {name: _text(value) for name, value in flat(run.config.to_dict()).items() if name not in IGNORED}


def _text(value) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _labels(groups: list[dict[str, str]]) -> list[str]:
    """The settings in which groups differ."""
    if len(groups) == 1:
        return [groups[0]["task.name"]]
    labels = []
    for own in groups:
        # Tasks of another family differ in everything: its name says enough, beside its own kind the rest counts.
        family = [other for other in groups if other["task.name"] == own["task.name"]]
        differing = []
        for name in own:
            peers = family if name.startswith("task.") and name != "task.name" else groups
            if any(other.get(name) != own[name] for other in peers):
                differing.append(name)
        labels.append(", ".join(f"{name} = {own[name]}" for name in differing))
    return labels


def _note(text: str) -> None:
    print(f"learning_curves: {text}", file=sys.stderr)

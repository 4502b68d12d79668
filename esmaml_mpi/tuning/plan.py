"""What is searched: an experiment file with a table [tune], in one size and under overrides."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from esmaml_mpi.config.config import Config, flat
from esmaml_mpi.config.loading import EXPERIMENT_SECTIONS, load, merge
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.sweeps.experiment_file import PAPER, laid_out
from esmaml_mpi.tuning.budget import counts, rollouts_of_iteration, within
from esmaml_mpi.tuning.space import space_of
from esmaml_mpi.tuning.table import tune_of

# What a study that goes on may have otherwise: more trials, another confirmation, and what changes no number.
FREE = (
    *("tune.trials", "tune.confirm.best", "tune.confirm.seeds"),
    *("run.seed", "run.threads", "run.plan", "run.update", "run.frozen_after"),
    *("meta.iterations", "test.every"),  # which the budget decides
    *("checkpoint.every", "checkpoint.minutes", "checkpoint.keep", "checkpoint.patience"),
)
JOURNAL = "study.journal"  # the study, in its folder
DECIDED = {
    **dict.fromkeys(("meta.iterations", "test.every"), "it follows from tune.rollouts and tune.tests"),
    "run.seed": "trials have the seeds of tune.seeds",
}


class Plan:
    """``tune``: the table; ``axes``: the space; ``own``: the file's own configuration; ``modules``: the file's folder,
    where modules of the user's are looked for.

    ConfigError where a table is not as it should be, UsageError where the file has no [tune].
    """

    def __init__(self, path: str | PathLike[str], size: str = PAPER, overrides: Iterable[str] = ()) -> None:
        self.path, self.size, self.name = Path(path), size, Path(path).stem
        self.modules = self.path.resolve().parent
        tables, self.overrides = laid_out(path, size, overrides)
        if "tune" not in tables:
            raise UsageError(f"{path} has no table [tune]: docs/tuning.md shows one.")
        self.tune = tune_of(tables["tune"])
        self.tables = {name: each for name, each in tables.items() if name not in EXPERIMENT_SECTIONS}
        self.own = load(self.tables, self.overrides)
        self.axes = space_of(self.tune.space, self.own)
        searched = {axis.key for axis in self.axes}
        for override in self.overrides:
            key = override.partition("=")[0].strip()
            if key in searched:
                raise UsageError(f"--set {override}: {key} is searched: take it out of [tune.space] to set it.")
            if key in DECIDED:
                raise UsageError(f"--set {override}: {DECIDED[key]}.")
        for axis in self.axes:
            for value in axis.ends():
                self._check(axis.key, value, axis.overlay(value))
        self.counted: dict[str, int] = {}  # rollouts of an iteration, by what they depend on

    def _check(self, key: str, value: Any, overlay: dict) -> None:
        try:
            load(merge(self.tables, overlay), self.overrides)
        except ConfigError as error:
            raise ConfigError(f"tune.space.{key}, {value}: {error}") from error

    def folder(self, output: str | None) -> Path:
        """Where the study and its runs are."""
        return Path(output or Path("results") / self.name / ("tune" if self.size == PAPER else f"tune_{self.size}"))

    def own_values(self) -> dict[str, Any] | None:
        """The file's own settings as a point of the space; None where they are not in it."""

        def same(overlay: dict) -> bool:
            return load(merge(self.tables, overlay), self.overrides) == self.own

        values = {axis.key: axis.own(self.own, same) for axis in self.axes}
        return None if None in values.values() else values

    def config(self, values: Mapping[str, Any], seed: int, name: str) -> Config:
        """The configuration of a run at this point of the space; ConfigError where its settings do not fit each other,
        or the budget.
        """
        tables = self.tables
        for axis in self.axes:
            tables = merge(tables, axis.overlay(values[axis.key]))
        config = load(tables, self.overrides)
        config = replace(config, run=replace(config.run, seed=seed, name=f"{config.run.name}_{name}")).resolved()
        key = counts(config)
        if key not in self.counted:
            self.counted[key] = rollouts_of_iteration(config)
        return within(config, self.tune.settings.rollouts, self.tune.settings.tests, self.counted[key])

    def said(self) -> dict[str, Any]:
        """All that decides what the study's numbers are, as one flat table: it must not change while the study goes
        on.
        """
        settings, confirm = vars(self.tune.settings), vars(self.tune.confirm)
        space = {axis.key: repr(axis) for axis in self.axes}
        tune = {**settings, "seeds": self.tune.seeds, "confirm": confirm, "space": space}
        return {key: value for key, value in flat({**self.own.to_dict(), "tune": tune}).items() if key not in FREE}

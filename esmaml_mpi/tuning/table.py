"""The table [tune] of an experiment file, but for the space that is searched."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings.fields import WORD, parse, setting, unknown
from esmaml_mpi.sweeps.experiment_file import MOST_RUNS, seeds_of, table

PRUNERS = ("median", "none")
SAMPLERS = ("tpe", "random")
MOST_TESTS = 10_000


@dataclass
class ConfirmSettings:
    """What is run again with fresh seeds, as the best of many trials looks better than it is."""

    best: int = setting(3, "how many of the best trials; the file's own settings come beside them", minimum=0)
    seeds: int = setting(5, "fresh seeds of each; 0: nothing is confirmed", minimum=0, maximum=MOST_RUNS)


@dataclass
class TuneSettings:
    """How the settings of this file are searched."""

    rollouts: int = setting(0, "training rollouts of each run, at most; its iterations follow", minimum=1)
    trials: int = setting(50, "points of the space that are tried", minimum=1, maximum=MOST_RUNS)
    tests: int = setting(10, "tests of a run, after equal shares of its rollouts", minimum=1, maximum=MOST_TESTS)
    last_tests: int = setting(1, "a run's measure is the mean of so many tests, its last ones", minimum=1)
    pruner: str = setting("median", "what ends trials at a test", choices=PRUNERS)
    prune_after: int = setting(5, "complete trials that there are before one is pruned", minimum=1)
    prune_from_test: int = setting(2, "the first test of a trial at which it may be pruned", minimum=1)
    sampler: str = setting("tpe", "what chooses the points", choices=SAMPLERS)
    sampler_seed: int = setting(0, "its seed", minimum=0, maximum=WORD - 1)


@dataclass
class Tune:
    """The table, read: ``seeds`` of each trial in their order, and ``fresh`` ones for the confirmation."""

    settings: TuneSettings
    confirm: ConfirmSettings
    seeds: list[int]
    space: Mapping[str, Any] = field(repr=False)

    @property
    def fresh(self) -> list[int]:
        """Seeds that no trial has had."""
        first = max(self.seeds) + 1
        return list(range(first, first + self.confirm.seeds))


def tune_of(tune: object) -> Tune:
    """The table [tune]; ConfigError names the key, its value and what is allowed."""
    given = dict(table(tune, "tune"))
    own = [each.name for each in fields(TuneSettings)]
    for key in given:
        if key not in (*own, "seeds", "space", "confirm"):
            raise unknown("key", f"tune.{key}", [f"tune.{known}" for known in (*own, "seeds", "space", "confirm")])
    if "rollouts" not in given:
        raise ConfigError(
            "tune.rollouts is missing: the training rollouts of each run, as tune.rollouts = 100_000. Settings are "
            "compared at equal rollouts, and meta.iterations follows from it."
        )
    seeds = seeds_of(given.pop("seeds", 2), "tune.seeds")
    space = table(given.pop("space", {}), "tune.space")
    confirm = parse(ConfirmSettings, table(given.pop("confirm", {}), "tune.confirm"), "tune.confirm")
    settings = parse(TuneSettings, given, "tune")
    if settings.last_tests > settings.tests:
        raise ConfigError(f"tune.last_tests = {settings.last_tests}: a run has tune.tests = {settings.tests} tests.")
    return Tune(settings, confirm, seeds, space)

"""The space that is searched: an axis for each setting, or for each set of named points.

    [tune.space]
    "meta.sigma" = { low = 0.02, high = 0.5, log = true }     # a range
    "adaptation.queries" = { low = 5, high = 20 }             # of integers, where the setting is one
    "policy.hidden" = [[], [32], [32, 32]]                    # choices

    [tune.space.operator]                                     # named points, each with what it sets, as in [sweep]
    mc = {}
    hc.adaptation.operator = "hill_climbing"

Keys with dots may stand in quotes or be tables: meta.sigma = { low = ... } is the same.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from esmaml_mpi.config.config import Config, flat
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings.fields import show
from esmaml_mpi.sweeps.experiment_file import table
from esmaml_mpi.sweeps.plan import NAME

SECTIONS = {field.name for field in fields(Config)}
RANGE = ("low", "high", "log")
FIXED = ("run", "test", "checkpoint")  # sections that are not searched, as they change the measure, or no number at all


class Suggests(Protocol):
    """What a trial of Optuna is asked for."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...
    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...
    def suggest_categorical(self, name: str, choices: list[str]) -> str: ...


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included, of the setting ``key``; ``log``: evenly in their logarithm."""

    key: str
    low: float
    high: float
    log: bool
    integer: bool

    def suggested(self, trial: Suggests) -> float:
        """A value, of the trial's choosing."""
        if self.integer:
            return trial.suggest_int(self.key, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, log=self.log)

    def overlay(self, value: Any) -> dict:
        """What a value sets."""
        return nested(self.key, value)

    def ends(self) -> list[float]:
        """Values that every configuration check should see."""
        return [self.low, self.high]

    def own(self, config: Config, same: Callable[[dict], bool]) -> Any:
        """The value that the file has itself; None where it has none in here."""
        value = flat(config.to_dict()).get(self.key)
        return value if isinstance(value, int | float) and self.low <= value <= self.high else None


@dataclass(frozen=True)
class Choice:
    """A few overlays of the configuration by their labels, which are what Optuna knows."""

    key: str
    overlays: Mapping[str, dict]

    def suggested(self, trial: Suggests) -> str:
        """A label, of the trial's choosing."""
        return trial.suggest_categorical(self.key, list(self.overlays))

    def overlay(self, value: Any) -> dict:
        """What a label sets."""
        return self.overlays[value]

    def ends(self) -> list[str]:
        """All labels."""
        return list(self.overlays)

    def own(self, config: Config, same: Callable[[dict], bool]) -> str | None:
        """The label that changes nothing of the file; None where each does."""
        return next((label for label, overlay in self.overlays.items() if same(overlay)), None)


Axis = Range | Choice


def space_of(tables: Mapping[str, Any], config: Config) -> list[Axis]:
    """The axes that [tune.space] means, of a file with this configuration; ConfigError if it is not as it should be."""
    axes = [_axis(key, values, config) for key, values in _flattened(tables)]
    if not axes:
        raise ConfigError("[tune.space] is empty: at least one setting to search is wanted.")
    keys = [axis.key for axis in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"tune.space.{key} stands there twice, with dots in quotes and as tables.")
    return axes


def nested(key: str, value: Any) -> dict:
    """A dotted key as tables: {"meta": {"sigma": 0.1}} of meta.sigma."""
    overlay = value
    for name in reversed(key.split(".")):
        overlay = {name: overlay}
    found: dict = overlay
    return found


def _flattened(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key, values) of each axis; the keys of settings have dots, those of named points have none."""
    for name, value in tables.items():
        key = prefix + name
        inner = isinstance(value, Mapping) and not (set(value) & set(RANGE)) and key.split(".")[0] in SECTIONS
        if inner:
            yield from _flattened(value, f"{key}.")
        else:
            yield key, value


def _axis(key: str, values: Any, config: Config) -> Axis:
    where = f"tune.space.{key}"
    if "." not in key:
        return Choice(key, _named(values, where))
    _check_searched(key, where)
    if isinstance(values, list):
        return Choice(key, _choices(key, values, where))
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where} = {show(values)}: a list of choices or a range {{ low, high, log }} is wanted.")
    return _range(key, values, where, flat(config.to_dict()).get(key))


def _check_searched(key: str, where: str) -> None:
    if key == "meta.iterations":
        raise ConfigError(f"{where}: iterations follow from tune.rollouts, so that all runs have equal rollouts.")
    if key.split(".")[0] in FIXED:
        raise ConfigError(f"{where}: [{key.split('.')[0]}] is the same for all trials, and cannot be searched.")


def _named(points: Any, where: str) -> dict[str, dict]:
    named = {name: dict(table(point, f"{where}.{name}")) for name, point in table(points, where).items()}
    for name, point in named.items():
        if not NAME.fullmatch(name):
            raise ConfigError(f"{where}.{show(name)}: a name of letters, digits and _ . + - is wanted.")
        for key, _ in _flattened(point):
            _check_searched(key, f"{where}.{name}.{key}")
    if not named:
        raise ConfigError(f"[{where}]: at least one named point is wanted.")
    return named


def _choices(key: str, values: list, where: str) -> dict[str, dict]:
    if not values:
        raise ConfigError(f"{where} = []: at least one choice is wanted.")
    choices = {}
    for value in values:
        label = value if isinstance(value, str) else json.dumps(value, default=str)
        if label in choices:
            raise ConfigError(f"{where} = {show(values)}: {label} stands there twice.")
        choices[label] = nested(key, value)
    return choices


def _range(key: str, limits: Mapping, where: str, own: Any) -> Range:
    for name in limits:
        if name not in RANGE:
            raise ConfigError(f"{where}.{name} does not exist. Allowed: {', '.join(RANGE)}.")
    low, high, log = limits.get("low"), limits.get("high"), limits.get("log", False)
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{where}.{name} = {show(value)}: a finite number is wanted.")
    if type(log) is not bool:
        raise ConfigError(f"{where}.log = {show(log)}: true or false is wanted.")
    assert low is not None and high is not None
    if not low < high:
        raise ConfigError(f"{where}: low = {low} and high = {high}: low < high is wanted.")
    if log and low <= 0:
        raise ConfigError(f"{where}.low = {low}: a number > 0 is wanted where log = true.")
    integer = type(low) is int and type(high) is int and type(own) is not float
    if type(own) is int and not integer:
        raise ConfigError(f"{where}: low = {low} and high = {high}: {key} is an integer, so integers are wanted.")
    return Range(key, low, high, log, integer) if integer else Range(key, float(low), float(high), log, integer)

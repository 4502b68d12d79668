"""Which runs an experiment file means.

An experiment file is a configuration with up to three sections more:

    [sweep]
    seeds = 3                                  # 0, 1, 2; or a list of them

    [sweep.product]                            # every combination of what follows
    adaptation.queries = [20, 10, 5]           # values of a setting, or
    [sweep.product.operator]                   # named points, each with what it sets
    mc = {}
    hc.adaptation.operator = "hill_climbing"

    [sweep.variants]                           # named points beside the product
    linear = { policy = { hidden = [] } }

    [sizes.small]                              # for --size small, laid over the file, [sweep] and [figure] included
    meta.iterations = 200
    sweep.product.operator.hc = false          # false: a named point is left out

    [figure]
    draw = ["learning_curves.py *.h5"]         # scripts of analysis/, with the folder of the runs to work in

A point has the last word over a size, ``--set`` over both. Runs are in order of seeds, so that every point has its
first run before one has its second.
"""

import contextlib
import fnmatch
import io
import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.loading import EXPERIMENT_SECTIONS, load, merge
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.settings.fields import show, unknown
from esmaml_mpi.sweeps.experiment_file import MOST_RUNS, PAPER, laid_out, seeds_of, table

SETTINGS = {"sweep": ("seeds", "product", "variants"), "figure": ("draw",)}
SECTIONS = {field.name for field in fields(Config)}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")  # no hidden file, and no option of a script that takes it


@dataclass(frozen=True)
class Run:
    """One run of a sweep: ``point`` with one seed."""

    index: int
    name: str
    point: str
    config: Config

    def file(self, folder: Path) -> Path:
        """Its results file."""
        return folder / f"{self.name}.h5"


class Sweep:
    """The runs of an experiment file in one size, under overrides as of ``--set``.

    ``name``: the file's; ``draw``: lines of a script of analysis/ and its arguments. Raises ConfigError where a section
    is not as it should be, and UsageError if there is no such size; configurations themselves are checked by ``runs``.
    """

    def __init__(self, path: str | PathLike[str], size: str = PAPER, overrides: Iterable[str] = ()) -> None:
        self.path, self.size, self.name = Path(path), size, Path(path).stem
        tables, self._overrides = laid_out(path, size, overrides)
        sweep, figure = (_section(tables, name) for name in SETTINGS)
        self.seeds = seeds_of(sweep.get("seeds", 1), "sweep.seeds")
        self.draw = _draw(figure.get("draw", []))
        product = table(sweep.get("product", {}), "sweep.product")
        self._points = _points(product, sweep.get("variants", {}))
        for override in self._overrides:
            _check_name_stays_true(override, product)
        self._tables = {name: each for name, each in tables.items() if name not in EXPERIMENT_SECTIONS}
        if len(self._points) * len(self.seeds) > MOST_RUNS:
            raise ConfigError(f"{path}: {len(self._points)} points with {len(self.seeds)} seeds are too many runs.")

    def __len__(self) -> int:
        return len(self._points) * len(self.seeds)

    def runs(self, only: Iterable[str] = (), resolved: bool = True) -> list[Run]:
        """Runs with their resolved configurations, all or those whose names match one of the patterns ``only``.

        The first error in any of them is raised, with its point; UsageError if none is chosen. Not ``resolved``: no
        family is made and nothing of the user's imported, for those who only look how far runs are.
        """
        patterns = list(only)
        names = [(seed, point) for seed in self.seeds for point in self._points]
        chosen = [
            (i, seed, point)
            for i, (seed, point) in enumerate(names)
            if not patterns or any(fnmatch.fnmatchcase(self._name(point, seed), each) for each in patterns)
        ]
        if not chosen:
            seed, point = names[0]
            raise UsageError(
                f"--only {' '.join(patterns)}: no run is called so; for example {self._name(point, seed)} is one."
            )
        with contextlib.redirect_stderr(io.StringIO()) as said:
            configs = {
                point: self._resolve(point, resolved) for point in dict.fromkeys(point for _, _, point in chosen)
            }
        for line in dict.fromkeys(said.getvalue().splitlines()):  # what a simulator says of its model is said once
            print(line, file=sys.stderr, flush=True)
        self._check_differ(configs)
        return [self._run(i, seed, point, configs[point]) for i, seed, point in chosen]

    def run(self, index: int, resolved: bool = True) -> Run:
        """The run of this index alone; UsageError if there is none."""
        if not 0 <= index < len(self):
            raise UsageError(f"--index {index}: {self.path} has {len(self)} runs, 0 to {len(self) - 1}.")
        seed, point = self.seeds[index // len(self._points)], list(self._points)[index % len(self._points)]
        return self._run(index, seed, point, self._resolve(point, resolved))

    def _run(self, index: int, seed: int, point: str, config: Config) -> Run:
        config = replace(config, run=replace(config.run, seed=seed))
        return Run(index, self._name(point, seed), point, config)

    def _name(self, point: str, seed: int) -> str:
        return f"{point or self.name}_seed{seed}"

    def _check_differ(self, configs: Mapping[str, Config]) -> None:
        """Raise ConfigError if two points are the same runs, as they are where an override sets all they differ in."""
        first: dict[str, str] = {}
        for point, config in configs.items():
            other = first.setdefault(replace(config, run=replace(config.run, name="")).to_toml(), point)
            if other != point:
                raise ConfigError(
                    f"{self.path}: {other} and {point} have the same settings, and would be trained twice."
                )

    def _resolve(self, point: str, resolved: bool) -> Config:
        try:
            config = load(merge(self._tables, self._points[point], resolved), self._overrides, resolved)
            if point:
                config.run.name = f"{config.run.name}_{point}"
            return config.resolved() if resolved else config
        except ConfigError as error:
            raise ConfigError(f"{self.path}, {point or 'the run'}: {error}") from error


def _check_name_stays_true(override: str, product: Mapping) -> None:
    """Raise UsageError if an override changes what the names of runs say."""
    key = ".".join(part.strip() for part in override.partition("=")[0].split("."))
    if key == "run.seed":
        raise UsageError(f"--set {override}: runs have the seeds of the sweep: --set sweep.seeds=[...].")
    axes = {name: axis for name, axis in product.items() if name in SECTIONS}
    if key in dict(_settings(axes, "")):
        raise UsageError(f"--set {override}: runs are named by their {key}: --set sweep.product.{key}=[...].")


def _points(product: Mapping, variants: object) -> dict[str, dict]:
    """Name -> what is laid over the configuration, of the product's points and then the variants."""
    axes: list[dict[str, Any]] = []
    for name, axis in product.items():
        if name in SECTIONS:
            axes += [_values(key, values) for key, values in _settings({name: axis}, "")]
        else:
            axes.append(_named(axis, f"sweep.product.{name}"))
    points = [("_".join(labels), overlays) for labels, overlays in _combinations(axes)] if axes else []
    points += [(name, [overlay]) for name, overlay in _named(variants, "sweep.variants", few=True).items()]
    merged: dict[str, dict] = {}
    for name, overlays in points or [("", [])]:
        if name in merged:
            raise ConfigError(f"[sweep]: two points are called {name!r}.")
        merged[name] = {}
        for overlay in overlays:
            merged[name] = merge(merged[name], overlay)
    return merged


def _combinations(axes: list[dict]) -> Iterator[tuple[list[str], list[Mapping[str, Any]]]]:
    for chosen in itertools.product(*(axis.items() for axis in axes)):
        yield [label for label, _ in chosen], [overlay for _, overlay in chosen]


def _named(axis: object, key: str, few: bool = False) -> dict[str, Mapping]:
    """The named points of an axis; ``few``: there may be none."""
    points = {name: point for name, point in table(axis, key).items() if point is not False}
    for name, point in points.items():
        if not NAME.fullmatch(name):
            raise ConfigError(f"{key}.{show(name)}: letters, digits and _ . + - are wanted, as it names a file.")
        run = table(point, f"{key}.{name}").get("run", {})
        if {"seed", "name"} & set(table(run, f"{key}.{name}.run")):
            raise ConfigError(f"{key}.{name}.run: sweep.seeds gives the seeds, and points name their runs themselves.")
    if not points and not few:
        raise ConfigError(f"[{key}]: at least one named point is wanted.")
    return points


def _settings(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """(dotted key, values) of each setting in a table of the product."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _values(key: str, values: Any) -> dict[str, dict]:
    """An axis of values of one setting: label -> overlay."""
    where = f"sweep.product.{key}"
    if key in ("run.seed", "run.name"):
        raise ConfigError(f"{where}: sweep.seeds gives the seeds, and points name their runs themselves.")
    if not isinstance(values, list) or not values:
        raise ConfigError(f"{where} = {show(values)}: a list of values is wanted.")
    axis: dict[str, Any] = {}
    called: dict[str, Any] = {}
    for value in values:
        overlay, label = value, _label(key, value)
        if label in called:
            reason = (
                "stands there twice"
                if called[label] == value
                else f"and {show(called[label])} would both be called {label}; name the points instead"
            )
            raise ConfigError(f"{where}: {show(value)} {reason}.")
        called[label] = value
        for name in reversed(key.split(".")):
            overlay = {name: overlay}
        axis[label] = overlay
    return axis


def _label(key: str, value: object) -> str:
    """How a value is written in a name: queries20, noise_std0.5, share_rollouts-true, antithetic."""
    last = key.rpartition(".")[2]
    if isinstance(value, bool):
        label: object = f"{last}-{str(value).lower()}"
    elif isinstance(value, (int, float)) and abs(value) <= sys.float_info.max:
        label = f"{last}{value:g}"
    else:
        label = value
    if not isinstance(label, str) or not NAME.fullmatch(label):
        raise ConfigError(f"sweep.product.{key}: {show(value)} cannot be part of a file name; name the points instead.")
    return label


def _draw(lines: Any) -> list[str]:
    if not isinstance(lines, list) or not all(isinstance(line, str) and line.strip() for line in lines):
        raise ConfigError(f"figure.draw = {show(lines)}: a list of lines, script and arguments each, is wanted.")
    return lines


def _section(tables: Mapping, name: str) -> Mapping:
    section = table(tables.get(name, {}), name)
    for key in section:
        if key not in SETTINGS[name]:
            raise unknown("key", f"{name}.{key}", [f"{name}.{known}" for known in SETTINGS[name]])
    return section

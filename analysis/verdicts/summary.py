"""The few numbers of each run that claims need, and their file.

It is JSON, one line a run, small enough to keep: curves and verdicts are made of it alone. The paths that a few runs
have are in a file beside it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from esmaml_mpi.errors import UserError

FORMAT = 3
READABLE = (2, FORMAT)  # of 2 a run's paths are in its own row, and even series are lists like all others


@dataclass(frozen=True)
class Point:
    """A point of a sweep in one size: ``config`` is the digest of its settings, ``other`` settings that are not the
    paper size's, as text.
    """

    experiment: str
    size: str
    name: str
    config: str
    iterations: int
    seeds: list[int] = field(default_factory=list)
    other: dict[str, str] = field(default_factory=dict)
    paper_iterations: int | None = None  # None: the paper's size has no such point
    paper_rollouts: int | None = None  # of an iteration; None: not known beforehand

    @property
    def place(self) -> str:
        """Its name among all points."""
        return f"{self.experiment}/{self.size}/{self.name}"


@dataclass(frozen=True)
class Run:
    """One run: of which points (``places``), and a number for each of its tests in every one of ``series``; None:
    failed.

    ``hours`` of training, of one process. ``paths``, of a few runs: as of ``explored.Explored.kept``.
    """

    places: list[str]
    config: str
    seed: int
    planned: int
    commit: str
    hours: float
    series: dict[str, list]
    paths: dict | None = None

    @property
    def iterations(self) -> int:
        """Meta-updates before the last test."""
        return int(self.series["iteration"][-1])

    @property
    def key(self) -> tuple[str, int]:
        """Settings and seed: what makes it another run."""
        return self.config, self.seed


@dataclass(frozen=True)
class Summary:
    """Points that claims name, and the runs found of them."""

    points: list[Point]
    runs: list[Run]

    def of(self, experiment: str, size: str, name: str) -> list[Run]:
        """The runs of a point, by seed."""
        place = f"{experiment}/{size}/{name}"
        return sorted((run for run in self.runs if place in run.places), key=lambda run: run.seed)

    def point(self, experiment: str, size: str, name: str) -> Point | None:
        """A point, if there is one of this name."""
        return next((p for p in self.points if (p.experiment, p.size, p.name) == (experiment, size, name)), None)

    def joined(self, more: list[Run]) -> "Summary":
        """With these runs too; of two that are the same the longer one counts."""
        best = {run.key: run for run in self.runs}
        for run in more:
            if run.key not in best or run.iterations >= best[run.key].iterations:
                best[run.key] = run
        return Summary(self.points, sorted(best.values(), key=lambda run: (run.places, run.seed)))

    def write(self, path: Path) -> None:
        """To a file, and paths to ``paths_file(path)`` if there are any, or have been; each file all or nothing."""
        runs = [_row(run, "paths") | {"series": _each(_packed, run.series)} for run in self.runs]
        kept = [{"config": run.config, "seed": run.seed, "paths": run.paths} for run in self.runs if run.paths]
        _write(path, points=[_row(point) for point in self.points], runs=runs)
        if kept or paths_file(path).exists():
            _write(paths_file(path), paths=kept)

    @classmethod
    def read(cls, path: Path) -> "Summary":
        """From files that ``write`` has made."""
        beside = paths_file(path)
        paths = _read(beside, _paths) if beside.exists() else {}
        summary = _read(path, lambda tables: cls(_points(tables), _runs(tables)))
        return cls(summary.points, [replace(run, paths=paths.get(run.key, run.paths)) for run in summary.runs])


def paths_file(path: Path) -> Path:
    """Where a summary's paths are."""
    return path.with_name(f"{path.stem}_paths{path.suffix}")


def _row(item: Point | Run, *without: str) -> dict:
    return {name: value for name, value in asdict(item).items() if name not in without}


def _write(path: Path, **tables: list[dict]) -> None:
    lines = (f'"{name}": ' + "[\n" + ",\n".join(map(_line, rows)) + "\n]" for name, rows in tables.items())
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_text(f'{{"format": {FORMAT},\n' + ",\n".join(lines) + "}\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}.") from error


def _line(row: dict) -> str:
    return json.dumps(row, separators=(",", ":"))


def _read(path: Path, made: Callable[[dict], Any]) -> Any:
    """What ``made`` makes of a file's tables."""
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))
        if tables["format"] not in READABLE:
            raise UserError(
                f"{path}: a summary of format {tables['format']}; {' or '.join(map(str, READABLE))} is wanted."
            )
        return made(tables)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no summary of claims: {error}.") from error


def _points(tables: dict) -> list[Point]:
    return [Point(**row) for row in tables["points"]]


def _runs(tables: dict) -> list[Run]:
    return [Run(**row | {"series": _each(_unpacked, row["series"])}) for row in tables["runs"]]


def _paths(tables: dict) -> dict[tuple[str, int], dict]:
    return {(row["config"], row["seed"]): row["paths"] for row in tables["paths"]}


def _each(change: Callable, series: dict) -> dict:
    return {name: change(values) for name, values in series.items()}


def _packed(values: list) -> list | dict:
    """Even steps, as of iterations and rollouts, by their first number, step and count."""
    if len(values) < 3 or None in values:
        return values
    even = {"first": values[0], "step": values[1] - values[0], "count": len(values)}
    return even if _unpacked(even) == values else values


def _unpacked(kept: list | dict) -> list:
    if isinstance(kept, list):
        return kept
    return [kept["first"] + index * kept["step"] for index in range(kept["count"])]

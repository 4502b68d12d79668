"""The few numbers of each run that claims need, and their file.

It is JSON, one line a run, small enough to keep: curves and verdicts are made of it alone.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from esmaml_mpi.errors import UserError

FORMAT = 2


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
        """To a file, all or nothing."""
        text = f'{{"format": {FORMAT},\n"points": {_lines(self.points)},\n"runs": {_lines(self.runs)}}}\n'
        beside = path.with_name(path.name + ".new")
        try:
            beside.write_text(text, encoding="utf-8")
            os.replace(beside, path)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror or error}.") from error

    @classmethod
    def read(cls, path: Path) -> "Summary":
        """From a file that ``write`` has made."""
        try:
            tables = json.loads(path.read_text(encoding="utf-8"))
            if tables["format"] != FORMAT:
                raise UserError(f"{path}: a summary of format {tables['format']}; {FORMAT} is wanted.")
            return cls([Point(**each) for each in tables["points"]], [Run(**each) for each in tables["runs"]])
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is no summary of claims: {error}.") from error


def _lines(items: list) -> str:
    rows = [{name: value for name, value in asdict(item).items() if (name, value) != ("paths", None)} for item in items]
    return "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]"

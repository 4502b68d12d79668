"""The few numbers of each run that claims need, and their file.

It is JSON, one line a run, small enough to keep; what is made of it is made of the results files, to the last digit.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from esmaml_mpi.errors import UserError

FORMAT = 1


@dataclass(frozen=True)
class Point:
    """A point of a sweep in one size: planned iterations, and settings that are not the paper size's, as text."""

    experiment: str
    size: str
    name: str
    iterations: int
    other: dict[str, str] = field(default_factory=dict)
    paper_iterations: int | None = None  # None: the paper's size has no such point
    paper_rollouts: int | None = None  # of an iteration; None: not known beforehand


@dataclass(frozen=True)
class Run:
    """One run: which, where from, and a number for each of its tests in every one of ``series``; None: failed."""

    experiment: str
    size: str
    point: str
    seed: int
    planned: int
    file: str
    commit: str
    config: str  # digest of what makes it this point
    series: dict[str, list]

    @property
    def iterations(self) -> int:
        """Meta-updates before the last test."""
        return self.series["iteration"][-1]


@dataclass(frozen=True)
class Summary:
    """Points of the experiments that claims name, and the runs found of them."""

    points: list[Point]
    runs: list[Run]

    def of(self, experiment: str, size: str, name: str) -> list[Run]:
        """The runs of a point, by seed."""
        found = [run for run in self.runs if (run.experiment, run.size, run.point) == (experiment, size, name)]
        return sorted(found, key=lambda run: run.seed)

    def point(self, experiment: str, size: str, name: str) -> Point | None:
        """A point, if there is one of this name."""
        return next((p for p in self.points if (p.experiment, p.size, p.name) == (experiment, size, name)), None)

    def sizes(self, experiment: str) -> list[str]:
        """The sizes of an experiment, the paper's first."""
        return list(dict.fromkeys(point.size for point in self.points if point.experiment == experiment))

    def write(self, path: Path) -> None:
        """To a file."""
        text = f'{{"format": {FORMAT},\n"points": {_lines(self.points)},\n"runs": {_lines(self.runs)}}}\n'
        try:
            path.write_text(text, encoding="utf-8")
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
    return "[\n" + ",\n".join(json.dumps(asdict(item)) for item in items) + "\n]"

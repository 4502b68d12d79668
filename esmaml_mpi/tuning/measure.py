"""What is measured of runs: test rewards after adaptation, and what the runs took."""

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import numpy as np

from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.results.reader import read


@dataclass(frozen=True)
class Course:
    """A run so far. ``tests``: mean reward after adaptation of each test but the one before training, without the
    adaptations that failed, of which ``failed`` says how many there are in each; ``seconds`` of training.
    """

    tests: list[float]
    failed: list[int]
    rollouts: int
    seconds: float

    def ending(self, last: int) -> tuple[float, int]:
        """Mean of the last so many tests, and how many of their adaptations failed."""
        return fmean(self.tests[-last:]), sum(self.failed[-last:])


def course_of(path: Path) -> Course:
    """The course of the run with this results file; ResultsError if it cannot be read."""
    history = read(path).history
    test, train = history["test"], history["train"]
    rows = [after for iteration, after in zip(test["iteration"], test["after"], strict=True) if iteration > 0]
    tests, failed = [float(finite_mean(row)) for row in rows], [int((~np.isfinite(row)).sum()) for row in rows]
    return Course(tests, failed, int(train["rollouts"].sum()), float(train["seconds"].sum()))


@dataclass(frozen=True)
class Mean:
    """A mean over ``count`` seeds with its standard error, which is nan for one seed, and how many adaptations
    ``failed`` and are not in it.
    """

    value: float
    error: float
    count: int
    failed: int

    @classmethod
    def of(cls, values: list[float], failed: int) -> "Mean":
        error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        return cls(fmean(values), error, len(values), failed)

    @property
    def rank(self) -> tuple[int, float]:
        """The least is the best: the fewest failures come first, as failing at what is hard makes a mean better."""
        return self.failed, -self.value

    def __str__(self) -> str:
        error = f" +- {self.error:.2f}" if math.isfinite(self.error) else ""
        failed = f", {self.failed} failed" * bool(self.failed)
        return f"{self.value:.2f}{error} ({self.count} seed{'s' * (self.count != 1)}{failed})"

"""Units that are whole evaluations of perturbed meta-policies: what outer loops have in common that adapt inside."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.meta.probes import Probe
from esmaml_mpi.meta.stages import Request
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.units import Tally, Units
from esmaml_mpi.settings import setting


def common_setting() -> bool:
    """The key that all outer loops have which draw tasks for each evaluation."""
    return setting(
        False,
        "all evaluations of an iteration share their tasks and the random numbers of adaptations and episodes, so that "
        "they differ in their parameters alone; needs current_evaluations = 1",
    )


def check_common(common_random_numbers: bool, current_evaluations: int) -> None:
    """ConfigError if several evaluations of an iteration would be the same."""
    if common_random_numbers and current_evaluations > 1:
        raise ConfigError(
            f"meta.current_evaluations = {current_evaluations}: with meta.common_random_numbers they would all be the "
            "same evaluation; 1 is wanted."
        )


@dataclass(frozen=True)
class PerturbedEvaluations:
    """A unit adapts one query of the ``probe`` to tasks of its own, or with ``common`` random numbers to those of all.

    Its value is the mean reward after adaptation.
    """

    probe: Probe
    batches: TaskBatches
    common: bool

    counts: ClassVar[tuple[str, ...]] = ("meta.perturbations", "meta.current_evaluations")
    queries_at_once: ClassVar[int] = 1
    keeps_unit_statistics: ClassVar[int] = 0

    def check(self, dimension: int) -> None:
        """ConfigError if there are too few, or too many, directions for a policy of this many parameters."""
        self.probe.perturbations.check(dimension)

    @property
    def evaluations(self) -> int:
        """Units of an iteration, E."""
        return self.probe.count

    most_units = evaluations

    @property
    def tasks_at_once(self) -> int:
        """Tasks that one unit adapts to."""
        return self.batches.size

    @property
    def directions_held(self) -> int:
        """Directions that a rank holds at once."""
        return self.probe.perturbations.held

    @property
    def uses_subspace(self) -> bool:
        """Whether directions use what earlier meta-gradients suggest."""
        return self.probe.perturbations.sampler.uses_basis

    @property
    def announcement(self) -> str:
        """What an iteration evaluates."""
        return f"{self.evaluations} evaluations of {self.batches.size} tasks per iteration"

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """See ``Algorithm``: a unit's value is the mean of its adapted rewards over its tasks."""
        units, points = self.units(request.round, indices), self.asked_points(request, indices)
        outcome = evaluator.evaluate(points, units, request.observer, subspace=request.subspace)
        values = np.add.reduce(outcome.after, axis=1) / outcome.after.shape[1]
        values[~outcome.tally.good | ~np.isfinite(values)] = np.nan
        return values[:, None], outcome.tally

    def units(self, at: Round, indices: range) -> Units:
        """The units with these indices: which tasks they draw and which randomness they use."""
        streams = self.probe.keys(np.array(indices, dtype=np.int64))
        if self.common:
            streams = np.zeros_like(streams)
        return Units(at, self.batches.draw_each(at, streams), streams)

    def asked_points(self, request: Request, indices: range) -> np.ndarray:
        """The meta-policies of these units (d, U) of a request."""
        return self.points(request.theta, request.round, indices, request.subspace)

    def points(self, theta: np.ndarray, at: Round, indices: range, subspace: Subspace | None = None) -> np.ndarray:
        """The meta-policies of these units (d, U): theta + sign * sigma * g_i, or theta itself."""
        centres, tasks = np.repeat(theta[:, None], len(indices), axis=1), np.zeros(len(indices), dtype=np.int64)
        return self.probe.points(centres, np.array(indices, dtype=np.int64), at, tasks, subspace)

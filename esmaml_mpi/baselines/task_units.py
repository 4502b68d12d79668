"""Algorithms whose unit of work is one task, of which a rank makes a row of numbers."""

from abc import ABC, abstractmethod

import numpy as np

from esmaml_mpi.meta.stages import Request
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.reproducibility.randomness import Streams
from esmaml_mpi.rollouts.evaluator import AskTell, Evaluator
from esmaml_mpi.rollouts.units import Tally, Units
from esmaml_mpi.settings.sections import Sections, known


class TaskUnits(ABC):
    """The part of ``Algorithm`` that follows from that. Subclasses have ``batches``, and ``queries``: how often
    a task's adapted policy, or others around it, are tried.
    """

    batches: TaskBatches
    queries: int
    counts = ("adaptation.queries", "adaptation.steps", "meta.query_trajectories", "task.batch_size", "task.rollouts")
    tasks_at_once = 1
    directions_held = 0
    uses_subspace = False
    keeps_unit_statistics = 0

    @property
    @abstractmethod
    def values(self) -> int:
        """Values of one task."""

    @property
    def evaluations(self) -> int:
        """Values of an iteration, E."""
        return self.batches.size * self.values

    @property
    def queries_at_once(self) -> int:
        """Policies that a unit tries together when it has adapted."""
        return self.queries

    @property
    def most_units(self) -> int:
        """Of any stage."""
        return self.batches.size

    def rows(
        self, ask_tell: AskTell, tasks: np.ndarray, request: Request, evaluator: Evaluator, width: int
    ) -> tuple[np.ndarray, Tally]:
        """Rows (tasks, width) that an AskTell makes of theta on these tasks, nan where something failed."""
        units = Units(request.round, tasks[:, None], np.zeros(len(tasks), dtype=np.int64))
        points = np.repeat(request.theta[:, None], len(tasks), axis=1)
        outcome = evaluator.contributions(ask_tell, points, units, request.observer, width)
        failed = ~outcome.tally.good | ~np.isfinite(outcome.after).all(axis=1)
        outcome.after[failed] = np.nan
        return outcome.after, outcome.tally


def task_batches(config: Sections) -> TaskBatches:
    """Those of a config."""
    return TaskBatches(known(config.task.train_size), known(config.task.batch_size), Streams(config.run.seed))

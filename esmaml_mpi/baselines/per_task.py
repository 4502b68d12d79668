"""Algorithms that step along the mean of the gradients of a batch of tasks, from rollouts of each of them."""

from abc import ABC, abstractmethod

from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.reproducibility.randomness import Streams
from esmaml_mpi.settings.sections import Sections, known


class PerTask(ABC):
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
        """Policies that are tried together when a task has been adapted to, at most."""
        return self.queries


def task_batches(config: Sections) -> TaskBatches:
    """Those of a config."""
    return TaskBatches(known(config.task.train_size), known(config.task.batch_size), Streams(config.run.seed))

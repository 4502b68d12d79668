"""What an iteration depends on, and what a checkpoint therefore holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.directions.gradient_memory import GradientMemory
from esmaml_mpi.errors import TrainingError
from esmaml_mpi.meta import kept_by
from esmaml_mpi.meta.optimizers import Optimizer, make_optimizer
from esmaml_mpi.observations.statistics import ObservationStatistics
from esmaml_mpi.observations.unit_statistics import UnitStatistics


@dataclass(frozen=True)
class Beginning:
    """``theta`` (d,), what observations were like, and ``unit_statistics`` of algorithms that keep them, if they are
    those of ``theta``; ``facts`` say in the new run's provenance where they are from.
    """

    theta: np.ndarray
    statistics: ObservationStatistics
    unit_statistics: np.ndarray | None
    facts: dict[str, str]


@dataclass
class State:
    """Everything the next iteration depends on."""

    iteration: int
    theta: np.ndarray
    optimizer: Optimizer
    statistics: ObservationStatistics
    memory: GradientMemory
    unit_statistics: UnitStatistics
    kept: Mapping[str, np.ndarray] = field(default_factory=dict)  # what the algorithm remembers

    @classmethod
    def initial(cls, experiment: Experiment) -> "State":
        """Iteration 0."""
        meta = experiment.config.meta
        statistics = ObservationStatistics(experiment.policy.observation_size)
        memory = GradientMemory(experiment.meta_size, meta.memory_rows, meta.memory_decay)
        optimizer = make_optimizer(meta)
        units = UnitStatistics(experiment.algorithm.keeps_unit_statistics, experiment.policy.observation_size)
        kept = kept_by(experiment.algorithm, experiment.meta_size)
        return cls(0, experiment.initial_theta(), optimizer, statistics, memory, units, kept)

    def begin_with(self, beginning: Beginning) -> None:
        """Take parameters and statistics of observations of another run; optimizer, memory and
        what the algorithm remembers stay new.
        """
        self.theta, self.statistics = beginning.theta.copy(), beginning.statistics
        units = beginning.unit_statistics
        if units is not None and units.shape == self.unit_statistics.sums.shape:
            self.unit_statistics.restore({"sums": units})

    def to_arrays(self) -> dict:
        """The checkpoint, written while training goes on: what code of the user's may change in place is copied."""
        arrays = {
            "iteration": np.int64(self.iteration),
            "theta": self.theta.copy(),
            "optimizer": _copied(self.optimizer.to_arrays()),
            "statistics": self.statistics.to_arrays(),
            "memory": self.memory.to_arrays(),
            "unit_statistics": self.unit_statistics.to_arrays(),
        }
        return arrays | ({"kept": _copied(self.kept)} if self.kept else {})

    def restore(self, arrays: dict) -> None:
        """Take a checkpoint's state."""
        self.iteration, self.theta = int(arrays["iteration"]), np.array(arrays["theta"])
        self.optimizer.restore(arrays["optimizer"])
        self.statistics = ObservationStatistics.from_arrays(arrays["statistics"])
        if "memory" in arrays:  # files of earlier versions have none, and used none
            self.memory = GradientMemory.from_arrays(arrays["memory"], self.memory.rows, self.memory.decay)
        if "unit_statistics" in arrays:
            self.unit_statistics.restore(arrays["unit_statistics"])
        if self.kept:
            self.kept = {name: np.array(arrays["kept"][name]) for name in self.kept}

    def remember(self, kept: Mapping[str, np.ndarray]) -> None:
        """What the algorithm keeps for its next iteration. TrainingError unless it is as what it began with."""
        before, after = (_kinds(each) for each in (self.kept, kept))
        if before != after:
            raise TrainingError(
                f"iteration {self.iteration}: meta.algorithm keeps {_told(after)}, and its initially_kept() has "
                f"{_told(before)}. Names, types and shapes have to stay the same, so that checkpoints can be read."
            )
        self.kept = kept


def _copied(arrays: Mapping[str, np.ndarray | np.generic]) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in arrays.items()}


Kind = tuple[str, tuple[int, ...]]  # NumPy's letter for a type, and a shape


def _kinds(arrays: Mapping[str, np.ndarray]) -> dict[str, Kind]:
    return {name: (np.asarray(value).dtype.kind, np.shape(value)) for name, value in arrays.items()}


def _told(kinds: Mapping[str, Kind]) -> str:
    words = {"i": "integers", "u": "unsigned integers", "f": "floats"}
    return ", ".join(f"{name}: {words.get(kind, kind)} {shape}" for name, (kind, shape) in kinds.items()) or "nothing"

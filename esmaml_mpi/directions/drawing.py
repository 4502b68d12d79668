"""Directions of a sampler from keyed streams."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from esmaml_mpi.directions.gaussian import Gaussian
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.reproducibility.randomness import SETUP, Purpose, Round, Streams

REPEATED = Streams(0)
Number = TypeVar("Number", int, np.ndarray)


@dataclass(frozen=True)
class Source:
    """A sampler, the subspace that it may use, and the streams it draws from.

    ``draws``, of the section [adaptation]: "fresh", directions are keyed by all that they are asked for by; "by_task",
    by the task and the step alone; "fixed", by the step alone. What is repeated is keyed neither by an iteration nor by
    the run's seed: whoever was trained with it meets it again in tests, in evaluations of any seed, and on a robot.
    """

    sampler: Sampler
    streams: Streams
    subspace: Subspace | None = None
    draws: str = "fresh"

    def fill(
        self, out: np.ndarray, purpose: Purpose, at: Round, *, unit: int = 0, task: int = 0, step: int = 0
    ) -> None:
        """Fill ``out`` (d, count), its columns side by side, with the directions of one key."""
        streams, at, unit, task = self._key(at, unit, task)
        if isinstance(self.sampler, Gaussian):  # the same numbers, without a generator made anew
            streams.fill_normals(out, purpose, at, unit=unit, task=task, step=step)
            return
        generator = streams.generator(purpose, at, unit=unit, task=task, step=step)
        out[...] = self.sampler.draw(generator, *out.shape, **self._known())

    def fill_each(
        self, out: np.ndarray, purpose: Purpose, at: Round, *, units: np.ndarray, tasks: np.ndarray, step: int = 0
    ) -> None:
        """Fill ``out[:, k]`` of ``out`` (d, K, count) as ``fill`` does for unit ``units[k]`` and task ``tasks[k]``."""
        if isinstance(self.sampler, Gaussian):
            streams, at, units, tasks = self._key(at, units, tasks)
            streams.fill_normals_of_each(out, purpose, at, units=units, tasks=tasks, step=step)
            return
        for k, (unit, task) in enumerate(zip(units, tasks, strict=True)):
            self.fill(out[:, k], purpose, at, unit=unit, task=task, step=step)

    def importance(self, directions: np.ndarray) -> np.ndarray:
        """Weights (...) of directions (d, ...) that make their average differences an unbiased gradient; 1 for most."""
        if not hasattr(self.sampler, "importance"):
            return np.ones(directions.shape[1:])
        flat = directions.reshape(len(directions), -1)
        weights: np.ndarray = self.sampler.importance(flat, **self._known())
        return weights.reshape(directions.shape[1:])

    def _key(self, at: Round, units: Number, tasks: Number) -> tuple[Streams, Round, Number, Number]:
        """Streams, round, units and tasks that key what is drawn."""
        if self.draws == "fresh":
            return self.streams, at, units, tasks
        return REPEATED, SETUP, 0 * units, tasks if self.draws == "by_task" else 0 * tasks

    def _known(self) -> dict[str, Any]:
        if not self.sampler.uses_basis or self.subspace is None or not self.subspace.weights.size:
            return {}
        if not hasattr(self.sampler, "from_subspace"):
            raise TypeError(f"{type(self.sampler).__name__} uses a basis and has no method from_subspace")
        known: dict[str, Any] = self.sampler.from_subspace(self.subspace)
        return known


@dataclass(frozen=True)
class Directions:
    """What an operator draws from: called with a count it gives the next directions (d, U, T, count), or with a count
    and n the next (n, U, T, count).
    """

    draw: Callable[..., np.ndarray]
    source: Source

    def __call__(self, count: int, size: int | None = None) -> np.ndarray:
        return self.draw(count, size)

    def importance(self, directions: np.ndarray) -> np.ndarray:
        """See ``Source``."""
        return self.source.importance(directions)

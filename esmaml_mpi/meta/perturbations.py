"""Perturbations of a point: the queries around it, and the gradient that their rewards make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np

from esmaml_mpi.decoders import Decoder, check_rows, make_decoder
from esmaml_mpi.decoders.average import Average
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.directions.drawing import Source
from esmaml_mpi.directions.gaussian import Gaussian
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.estimators.rewards import normalize
from esmaml_mpi.meta.schedules import Schedule, schedule
from esmaml_mpi.native.tails import LARGEST
from esmaml_mpi.reproducibility import fixed_point
from esmaml_mpi.reproducibility.randomness import Purpose, Round, Streams
from esmaml_mpi.settings.sections import ESMetaSettings


@dataclass(frozen=True)
class Perturbations:
    """``queries`` points theta + sign * sigma * g_i, whose directions g_i are regenerated from keyed streams.

    ``sigma`` is that of iteration 0, and ``sigma_at`` that of a round, which the schedule changes.
    Every method takes the round and, where tasks have directions of their own, the task's id. Gaussian directions are
    made one at a time, so that nobody needs to hold all of them.
    """

    queries: int
    sigma: float
    estimator: str
    reward_normalization: str
    sampler: Sampler
    decoder: Decoder
    streams: Streams
    purpose: Purpose = Purpose.PERTURBATION
    schedule: Schedule = Schedule()
    _drawn: dict = field(default_factory=dict, repr=False)  # (round, task) -> directions that were drawn jointly

    @classmethod
    def of_meta_policy(cls, meta: ESMetaSettings, perturbations: int, streams: Streams) -> "Perturbations":
        """Those that a section [meta] asks for; ConfigError if it cannot be had."""
        check_budget("meta", "perturbations", perturbations, meta.estimator, meta.reward_normalization)
        return cls(
            perturbations,
            meta.sigma,
            meta.estimator,
            meta.reward_normalization,
            make_sampler(meta.directions, meta.direction_options, "meta"),
            make_decoder(meta.decoder, meta.decoder_options, "meta.decoder_options"),
            streams,
            schedule=schedule(meta, "sigma_schedule"),
        )

    @classmethod
    def like(cls, other: "Perturbations", **more: Any) -> Self:
        """The same, of a class that has these fields more."""
        names = [each.name for each in fields(Perturbations) if each.name != "_drawn"]
        return cls(**{name: getattr(other, name) for name in names}, **more)

    def sigma_at(self, at: Round) -> float:
        """The sigma of a round."""
        return self.sigma * self.schedule.factor(at.iteration)

    def check(self, dimension: int, used: int | None = None) -> None:
        """ConfigError unless sampler and decoder can do with this many directions, ``used`` of which are decoded."""
        self.sampler.check(dimension, self.directions)
        check_rows(self.decoder, used or self.directions, dimension)

    @property
    def signs(self) -> tuple[float, ...]:
        """A direction is queried once for each sign."""
        signs: tuple[float, ...] = ESTIMATORS[self.estimator].signs
        return signs

    @property
    def directions(self) -> int:
        """How many directions there are."""
        return self.queries // len(self.signs)

    @property
    def held(self) -> int:
        """Directions that are held at once because they are drawn jointly, candidates included; 0 if one at a time."""
        return 0 if isinstance(self.sampler, Gaussian) else self.directions * getattr(self.sampler, "rho", 1)

    def keys(self, queries: np.ndarray) -> np.ndarray:
        """The numbers (n,) that key the randomness of queries (n,): mirrored twins share that of the first of them."""
        found: np.ndarray = queries - queries % len(self.signs)
        return found

    def points(
        self,
        centres: np.ndarray,
        queries: np.ndarray,
        at: Round,
        tasks: np.ndarray,
        subspace: Subspace | None = None,
    ) -> np.ndarray:
        """The parameters (d, n) of queries (n,) of tasks (n,) around centres (d, n): centre + sign * sigma * g."""
        points, signs = np.empty(centres.shape), np.array(self.signs)
        indices = queries // len(signs)
        if isinstance(self.sampler, Gaussian):
            source = Source(self.sampler, self.streams, subspace)
            source.fill_each(points[:, :, None], self.purpose, at, units=indices, tasks=tasks)
        else:
            for column, (index, task) in enumerate(zip(indices.tolist(), tasks.tolist(), strict=True)):
                self._fill(points[:, column : column + 1], index, at, task, subspace)
        np.multiply(points, signs[queries % len(signs)] * self.sigma_at(at), out=points)
        np.add(points, centres, out=points)
        return points

    def each(
        self,
        indices: Sequence[int] | np.ndarray,
        dimension: int,
        at: Round,
        task: int = 0,
        subspace: Subspace | None = None,
    ) -> Iterator[np.ndarray]:
        """Directions (d,), one after the other in the same array."""
        direction = np.empty((dimension, 1))
        for index in indices:
            self._fill(direction, index, at, task, subspace)
            yield direction[:, 0]

    @property
    def summable(self) -> bool:
        """Whether the gradient is a sum of directions whose weights follow from rewards alone, which ranks may share.

        A regression needs all directions at once; importance weights are known once a direction is drawn.
        """
        return isinstance(self.decoder, Average) and not hasattr(self.sampler, "importance")

    def differences(self, values: np.ndarray, pivot: float | None) -> np.ndarray | None:
        """Differences (m,) of values (m, signs), normalised; None if there is no signal in them."""
        normal, normal_pivot, signal = normalize(
            values, None if pivot is None else np.asarray(pivot), self.reward_normalization
        )
        return ESTIMATORS[self.estimator].differences(normal, normal_pivot) if signal else None

    def weights(self, kept: np.ndarray, values: np.ndarray, pivot: float | None, at: Round) -> np.ndarray:
        """What each direction (m,) of a round is multiplied with in the gradient; 0 for those that are not among
        the indices ``kept``, and for all where values (kept, signs) have no signal.
        """
        weights, differences = np.zeros(self.directions), self.differences(values, pivot)
        if differences is not None:
            weights[kept] = differences / (kept.size * self.sigma_at(at))
        return weights

    def gradient(
        self,
        kept: np.ndarray,
        values: np.ndarray,
        pivot: float | None,
        dimension: int,
        at: Round,
        task: int = 0,
        subspace: Subspace | None = None,
    ) -> np.ndarray:
        """Gradient (d,) from the directions with indices ``kept`` (m,) and their values (m, signs); 0 if these have no
        signal in them.
        """
        if self.summable:
            return self.weighted_sum(self.weights(kept, values, pivot, at), dimension, at, task, subspace)
        gradient, differences = np.zeros(dimension), self.differences(values, pivot)
        if differences is None:
            return gradient
        each = self.each(kept, dimension, at, task, subspace)
        if not isinstance(self.decoder, Average):
            directions = np.empty((dimension, kept.size))
            for column, direction in enumerate(each):
                directions[:, column] = direction
            return self.decoder.decode(directions, differences / self.sigma_at(at))
        source = Source(self.sampler, self.streams, subspace)
        for direction, weight in zip(each, differences / (kept.size * self.sigma_at(at)), strict=True):
            weight *= source.importance(direction[:, None])[0]
            np.multiply(direction, weight, out=direction)
            np.add(gradient, direction, out=gradient)
        return gradient

    def weighted_sum(
        self, weights: np.ndarray, dimension: int, at: Round, task: int = 0, subspace: Subspace | None = None
    ) -> np.ndarray:
        """sum_i weights[i] g_i (d,), exact but for the rounding of addends (``fixed_point``); nan for weights (m,) that
        are not finite.
        """
        if not np.isfinite(weights).all():
            return np.full(dimension, np.nan)
        k = self.exponent(weights, dimension, at, task, subspace)
        return fixed_point.value(
            self.partial_sum(weights, np.flatnonzero(weights), k, dimension, at, task, subspace), k
        )

    def exponent(
        self, weights: np.ndarray, dimension: int, at: Round, task: int = 0, subspace: Subspace | None = None
    ) -> int:
        """Of the fixed point in which directions are summed with these weights (m,)."""
        largest = LARGEST
        if not isinstance(self.sampler, Gaussian):
            drawn = self._jointly(dimension, at, task, subspace)
            largest = float(max(drawn.max(), -drawn.min()))
        return fixed_point.exponent(weights, largest)

    def partial_sum(
        self,
        weights: np.ndarray,
        indices: np.ndarray,
        k: int,
        dimension: int,
        at: Round,
        task: int = 0,
        subspace: Subspace | None = None,
    ) -> np.ndarray:
        """The part (d,) int64, in units of 2**-k, of the sum that the directions with these indices make."""
        total = np.zeros(dimension, dtype=np.int64)
        for index, direction in zip(indices, self.each(indices, dimension, at, task, subspace), strict=True):
            fixed_point.add(total, direction, weights[index], k)
        return total

    def _fill(self, out: np.ndarray, index: int, at: Round, task: int, subspace: Subspace | None) -> None:
        """Direction ``index`` of a round and task into ``out`` (d, 1)."""
        if isinstance(self.sampler, Gaussian):
            Source(self.sampler, self.streams, subspace).fill(out, self.purpose, at, unit=index, task=task)
        else:
            out[:, 0] = self._jointly(len(out), at, task, subspace)[:, index]

    def _jointly(self, dimension: int, at: Round, task: int, subspace: Subspace | None) -> np.ndarray:
        """All directions (d, m) of a round and task."""
        if (at, task) not in self._drawn:
            drawn = np.empty((dimension, self.directions))
            Source(self.sampler, self.streams, subspace).fill(drawn, self.purpose, at, task=task)
            if any(known != at for known, _ in self._drawn):
                self._drawn.clear()
            self._drawn[at, task] = drawn
        found: np.ndarray = self._drawn[at, task]
        return found

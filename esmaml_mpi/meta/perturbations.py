"""Perturbations of a point: the queries around it, and the gradient that their rewards make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
from esmaml_mpi.reproducibility.randomness import Purpose, Round, Streams
from esmaml_mpi.settings.sections import ESMetaSettings


@dataclass(frozen=True)
class Perturbations:
    """``queries`` points theta + sign * sigma * g_i, whose directions g_i are regenerated from keyed streams.

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
        )

    def check(self, dimension: int, used: int | None = None) -> None:
        """ConfigError unless sampler and decoder can do with this many directions, ``used`` of which are decoded."""
        self.sampler.check(dimension, self.directions)
        check_rows(self.decoder, used or self.directions, dimension)

    @property
    def signs(self) -> tuple[float, ...]:
        """A direction is queried once for each sign."""
        return ESTIMATORS[self.estimator].signs

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
        return queries - queries % len(self.signs)

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
        np.multiply(points, signs[queries % len(signs)] * self.sigma, out=points)
        return np.add(points, centres, out=points)

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
        gradient = np.zeros(dimension)
        normal, normal_pivot, signal = normalize(
            values, None if pivot is None else np.asarray(pivot), self.reward_normalization
        )
        if not signal:
            return gradient
        differences = ESTIMATORS[self.estimator].differences(normal, normal_pivot)
        each = self.each(kept, dimension, at, task, subspace)
        if not isinstance(self.decoder, Average):
            directions = np.empty((dimension, kept.size))
            for column, direction in enumerate(each):
                directions[:, column] = direction
            return self.decoder.decode(directions, differences / self.sigma)
        source, gaussian = Source(self.sampler, self.streams, subspace), isinstance(self.sampler, Gaussian)
        for direction, weight in zip(each, differences / (kept.size * self.sigma), strict=True):
            if not gaussian:
                weight *= source.importance(direction[:, None])[0]
            np.multiply(direction, weight, out=direction)
            np.add(gradient, direction, out=gradient)
        return gradient

    def _fill(self, out: np.ndarray, index: int, at: Round, task: int, subspace: Subspace | None) -> None:
        """Direction ``index`` of a round and task into ``out`` (d, 1)."""
        source = Source(self.sampler, self.streams, subspace)
        if isinstance(self.sampler, Gaussian):
            source.fill(out, self.purpose, at, unit=index, task=task)
            return
        if (at, task) not in self._drawn:
            drawn = np.empty((len(out), self.directions))
            source.fill(drawn, self.purpose, at, task=task)
            if any(known != at for known, _ in self._drawn):
                self._drawn.clear()
            self._drawn[at, task] = drawn
        out[:, 0] = self._drawn[at, task][:, index]

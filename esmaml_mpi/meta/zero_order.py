"""Zero-order ES-MAML (Song et al. 2020, Algorithm 3, with the estimators of section A.6).

    repeat
        for each perturbation i:  sample tasks;  v_i = mean over them of f^T(U(theta + sigma g_i, T))
        for each current evaluation j:  sample tasks;  w_j = mean over them of f^T(U(theta, T))
        theta <- theta + beta * estimate(v, mean w, g)

Units 0 .. perturbations-1 are the v_i, the rest the w_j. Each unit samples its own tasks; antithetic twins (units 2i
and 2i+1) share tasks and adaptation randomness.
"""

from dataclasses import dataclass, field

import numpy as np

from esmaml_mpi.decoders import Decoder
from esmaml_mpi.decoders.average import Average
from esmaml_mpi.directions.drawing import Source
from esmaml_mpi.directions.gaussian import Gaussian
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.rewards import normalize
from esmaml_mpi.randomness import Purpose, Round, Streams
from esmaml_mpi.units import Units


@dataclass(frozen=True)
class ZeroOrder:
    """One algorithm object serves both sides:

    workers ask for ``units`` and ``points``, the aggregator for ``gradient``.
    """

    perturbations: int
    current_evaluations: int
    sigma: float
    estimator: str
    reward_normalization: str
    top_directions: int
    top_ranking: str
    sampler: Sampler
    decoder: Decoder
    train_size: int
    batch_size: int
    streams: Streams
    _drawn: dict = field(default_factory=dict, repr=False)  # the round whose directions were drawn jointly, and these

    @property
    def evaluations(self) -> int:
        """Units of an iteration, E."""
        return self.perturbations + self.current_evaluations

    def units(self, at: Round, indices: range) -> Units:
        """The units with these indices: which tasks they draw, without replacement, and which randomness they use."""
        streams = np.array([self._stream(i) for i in indices], dtype=np.int64)
        tasks = np.empty((len(indices), self.batch_size), dtype=np.int64)
        tasks[:] = np.arange(self.batch_size)  # all of them, when the batch is the whole set
        if self.batch_size < self.train_size:
            for row, stream in zip(tasks, streams, strict=True):
                generator = self.streams.generator(Purpose.TASK_BATCH, at, unit=stream)
                row[:] = generator.choice(self.train_size, self.batch_size, replace=False)
        return Units(at, tasks, streams)

    def points(self, theta: np.ndarray, at: Round, indices: range, subspace: Subspace | None = None) -> np.ndarray:
        """The meta-policies of these units (d, U): theta + sign * sigma * g_i, or theta itself."""
        signs = ESTIMATORS[self.estimator].signs
        points = np.empty((theta.size, len(indices)))
        direction = np.empty((theta.size, 1))
        for column, i in enumerate(indices):
            if i < self.perturbations:
                self._direction(i // len(signs), at, direction, subspace)
                points[:, column] = theta + signs[i % len(signs)] * self.sigma * direction[:, 0]
            else:
                points[:, column] = theta
        return points

    def gradient(
        self, at: Round, values: np.ndarray, dimension: int, subspace: Subspace | None = None
    ) -> np.ndarray | None:
        """Meta-gradient (d,) from unit values (E,), nan where a unit failed; None if too few are left to form it.

        A direction counts if all its queries did; the pivot is the mean over the current evaluations that did.
        """
        estimator = ESTIMATORS[self.estimator]
        queries = values[: self.perturbations].reshape(-1, len(estimator.signs))
        current = values[self.perturbations :]
        current = current[np.isfinite(current)]
        (kept,) = np.nonzero(np.isfinite(queries).all(axis=1))
        if kept.size == 0 or (current.size == 0 and estimator.needs_pivot):
            return None
        pivot = np.add.reduce(current) / current.size if current.size else None
        kept = self._top(kept, queries, pivot)
        gradient = np.zeros(dimension)
        normal, normal_pivot, signal = normalize(
            queries[kept], None if pivot is None else np.asarray(pivot), self.reward_normalization
        )
        if not signal:
            return gradient
        differences, direction = estimator.differences(normal, normal_pivot), np.empty((dimension, 1))
        if not isinstance(self.decoder, Average):
            directions = np.empty((dimension, kept.size))
            for column, index in enumerate(kept):
                self._direction(index, at, direction, subspace)
                directions[:, column] = direction[:, 0]
            return self.decoder.decode(directions, differences / self.sigma)
        for index, weight in zip(kept, differences / (kept.size * self.sigma), strict=True):
            self._direction(index, at, direction, subspace)
            if not isinstance(self.sampler, Gaussian):
                weight *= Source(self.sampler, self.streams, subspace).importance(direction)[0]
            np.multiply(direction, weight, out=direction)
            np.add(gradient, direction[:, 0], out=gradient)
        return gradient

    def _top(self, kept, queries, pivot):
        """The ``top_directions`` best-ranked of the directions, in index order; all of them if 0."""
        if not 0 < self.top_directions < kept.size:
            return kept
        if self.top_ranking == "max":
            rank = queries[kept].max(axis=1)
        else:
            reference = pivot if pivot is not None else np.mean(queries[kept])
            one_sided = len(ESTIMATORS[self.estimator].signs) == 1
            rank = np.abs(queries[kept, 0] - (reference if one_sided else queries[kept, 1]))
        best = np.argsort(-rank, kind="stable")[: self.top_directions]
        return kept[np.sort(best)]

    def _stream(self, index: int) -> int:
        """Twins share the number of the first of them."""
        signs = len(ESTIMATORS[self.estimator].signs)
        return index - index % signs if index < self.perturbations else index

    @property
    def directions(self) -> int:
        """How many directions an iteration has."""
        return self.perturbations // len(ESTIMATORS[self.estimator].signs)

    def _direction(self, index: int, at: Round, out: np.ndarray, subspace: Subspace | None) -> None:
        """Direction ``index`` of a round into ``out`` (d, 1)."""
        source = Source(self.sampler, self.streams, subspace)
        if isinstance(self.sampler, Gaussian):  # each on its own: nobody needs to hold all of them
            source.fill(out, Purpose.PERTURBATION, at, unit=index)
            return
        if at not in self._drawn:
            drawn = np.empty((len(out), self.directions))
            source.fill(drawn, Purpose.PERTURBATION, at)
            self._drawn.clear()
            self._drawn[at] = drawn
        out[:, 0] = self._drawn[at][:, index]

"""Separable natural evolution strategies (Wierstra et al. 2014, section 3.5) on the adapted reward.

    repeat
        x_k = theta + sigma * s_k, s_k ~ N(0, I); v_k = mean over tasks of f^T(U(x_k, T)), as in zero_order
        u_k = utilities of the ranks of v_k
        theta <- theta + beta * sigma * sum_k u_k s_k
        sigma <- sigma * exp(eta / 2 * sum_k u_k (s_k^2 - 1))

with a sigma for each parameter, which is learned. Products are elementwise. With another optimizer than sgd, which is
SNES's own, theta goes along the same natural gradient as the optimizer says.
"""

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.meta.gaussian_search import GaussianSearchSections, GaussianSearchSettings, search_probe, task_batches
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.perturbed_evaluations import PerturbedEvaluations
from esmaml_mpi.meta.stages import Combination, Request, Stage, Step
from esmaml_mpi.native import elementary
from esmaml_mpi.native.tails import LARGEST
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility import fixed_point
from esmaml_mpi.reproducibility.randomness import Round, Streams
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import algorithm_setting

SAMPLES, SQUARES = 0, 1  # which sum of an iteration's directions: of s_k, or of their squares


@dataclass
class SNESSettings(GaussianSearchSettings):
    """The outer loop: natural evolution strategies with a learned sigma for each parameter (SNES)."""

    algorithm: str = algorithm_setting("snes")
    step_size: float = setting(1.0, "meta step beta; 1 is SNES's own, with sgd", minimum=0)
    sigma_step: float = setting(
        0.0, "learning rate eta of log sigma; 0: (3 + log d) / (5 sqrt(d)) of d parameters, SNES's own", minimum=0
    )


class SNESSections(GaussianSearchSections):
    """A configuration that chooses SNES."""

    meta: SNESSettings


@dataclass(frozen=True)
class SNES(PerturbedEvaluations):
    """Its probe has sigma 1: the learned ones, which every rank is sent, come on top of it."""

    sigma: float
    sigma_step: float

    Settings = SNESSettings

    @classmethod
    def from_config(cls, config: SNESSections) -> "SNES":
        meta, streams = config.meta, Streams(config.run.seed)
        probe, batches = search_probe(meta, 1.0, "none", streams), task_batches(config, streams)
        return cls(probe, batches, meta.common_random_numbers, meta.sigma, meta.sigma_step)

    def initially_kept(self, dimension: int) -> dict[str, np.ndarray]:
        """See ``Algorithm``: ``sigma`` (d,)."""
        return {"sigma": np.full(dimension, self.sigma)}

    def iteration(
        self,
        theta: np.ndarray,
        at: Round,
        subspace: Subspace | None,
        statistics: UnitStatistics | None,
        kept: Mapping[str, np.ndarray],
    ) -> Generator[Stage | Combination, np.ndarray, Step]:
        """See ``Algorithm``: one stage, and two sums of its directions."""
        sigma, perturbations = kept["sigma"], self.probe.perturbations
        values = (yield Stage(units=self.evaluations, payload=sigma))[:, 0]
        found, current = self.probe.measured(values), finite_mean(values[perturbations.queries :])
        if found is None:
            return Step(None, values, current)
        earned = utilities(found.values)
        along, squared = np.zeros((2, 1, perturbations.directions))
        along[0, found.kept] = np.add.reduce(earned * np.array(perturbations.signs), axis=1)
        squared[0, found.kept] = np.add.reduce(earned, axis=1)
        (moved,) = yield Combination(SAMPLES, along)
        (spread,) = yield Combination(SQUARES, squared)
        rate = self.sigma_step or (3 + elementary.log_of(float(theta.size))) / (5 * math.sqrt(theta.size))
        grown = elementary.exp(rate / 2 * (spread - np.add.reduce(squared[0])))
        return Step(sigma * moved, values, current, kept={"sigma": sigma * grown})

    def directions_of(self, number: int, at: Round) -> tuple[Perturbations, np.ndarray]:
        """See ``Algorithm``: the directions, or their squares, which no task keys."""
        made = self.probe.perturbations
        if number == SQUARES:
            made = Squares.like(made)
        return made, np.zeros(1, dtype=np.int64)

    def asked_points(self, request: Request, indices: range) -> np.ndarray:
        """The meta-policies of these units (d, U): theta + sign * sigma * s_k, or theta itself."""
        moves = self.points(np.zeros(request.theta.size), request.round, indices)
        np.multiply(moves, request.asked.payload[:, None], out=moves)
        np.add(moves, request.theta[:, None], out=moves)
        return moves


class Squares(Perturbations):
    """Perturbations whose directions are squared, number by number, in sums."""

    def each(
        self,
        indices: Sequence[int] | np.ndarray,
        dimension: int,
        at: Round,
        task: int = 0,
        subspace: Subspace | None = None,
    ) -> Iterator[np.ndarray]:
        """Squares (d,) of directions, one after the other in the same array."""
        for direction in super().each(indices, dimension, at, task, subspace):
            yield np.multiply(direction, direction, out=direction)

    def exponent(
        self, weights: np.ndarray, dimension: int, at: Round, task: int = 0, subspace: Subspace | None = None
    ) -> int:
        """See ``Perturbations``."""
        return fixed_point.exponent(weights, LARGEST**2)


def utilities(values: np.ndarray) -> np.ndarray:
    """u (m, signs) of rewards: max(0, log(n / 2 + 1) - log(k)) over their sum, minus 1 / n, of the k-th best of n
    (Wierstra et al. 2014, section 3.1). Equals share theirs, so that all are 0 where no reward differs.
    """
    flat, count = values.ravel(), values.size
    raw = np.maximum(0.0, elementary.log_of(count / 2 + 1) - elementary.log(np.arange(1.0, count + 1)))
    raw = raw / np.add.reduce(raw) - 1 / count
    order = np.argsort(-flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.concatenate([starts, [count]]))
    shared = np.add.reduceat(raw, starts) / sizes
    if len(starts) == 1:
        shared = np.zeros(1)  # and not the rounding of a sum that is 0
    found = np.empty(count)
    found[order] = np.repeat(shared, sizes)
    return found.reshape(values.shape)

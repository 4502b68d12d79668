"""Zero-order ES-MAML that also uses the evaluations of the last iteration, by importance weights.

Of n samples of this iteration, x ~ p = N(theta, sigma^2 I), and o of the last one, x ~ q = N(theta_old, sigma^2 I),
with rewards v, the gradient of the smoothed reward at theta is estimated by

    (1 / ((n + o) sigma^2)) sum_x w(x) v(x) (x - theta),   w(x) = (n + o) p(x) / (n p(x) + o q(x))

over all n + o of them: the balance heuristic of multiple importance sampling (Veach and Guibas 1995). It is unbiased
for a theta that the old samples have no part in; here they have led to it, which leaves a bias. A weight is at most
(n + o) / n, about 2, so that none need be clipped. Where theta has gone far, w is 0 for old samples and (n + o) / n for
new ones, which is the estimate without reuse.

Nobody keeps a sample: directions are drawn again from their keys, and theta_old and v are remembered.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.estimators.rewards import finite_mean, normalize
from esmaml_mpi.meta.gaussian_search import GaussianSearchSections, GaussianSearchSettings, search_probe, task_batches
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.perturbed_evaluations import PerturbedEvaluations
from esmaml_mpi.meta.probes import Measured
from esmaml_mpi.meta.stages import Combination, Request, Stage, Step
from esmaml_mpi.native import elementary
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Round, Streams
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.units import Tally
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import NORMALIZATION_DOC, RANKED_NORMALIZATIONS, algorithm_setting

PROJECTIONS = 1  # the number of the stage whose units are directions, the new ones and then the old
NEW, OLD = 0, 1  # which combination; OLD + k: of the last iteration's attempt k
MOST = 700.0  # of a logarithm; exp(700) is still a float64
NOTHING = -1  # the attempt that is remembered before there has been one


@dataclass
class ReuseSettings(GaussianSearchSettings):
    """The outer loop: zero order, with the last iteration's evaluations weighed in by importance."""

    algorithm: str = algorithm_setting("zero_order_reuse")
    reward_normalization: str = setting(
        "standardize", NORMALIZATION_DOC + "; ranks, see zero_order", choices=RANKED_NORMALIZATIONS
    )


class ReuseSections(GaussianSearchSections):
    """A configuration that chooses this algorithm."""

    meta: ReuseSettings


@dataclass(frozen=True)
class Reuse(PerturbedEvaluations):
    """Remembers ``theta`` (d,) of the last iteration, its ``values`` (E,), and the ``attempt`` () that keys its
    directions.
    """

    Settings = ReuseSettings

    @classmethod
    def from_config(cls, config: ReuseSections) -> "Reuse":
        meta, streams = config.meta, Streams(config.run.seed)
        probe = search_probe(meta, meta.sigma, meta.reward_normalization, streams)
        return cls(probe, task_batches(config, streams), meta.common_random_numbers)

    def initially_kept(self, dimension: int) -> dict[str, np.ndarray]:
        """See ``Algorithm``."""
        values = np.full(self.evaluations, np.nan)
        return {"theta": np.zeros(dimension), "values": values, "attempt": np.array(NOTHING, dtype=np.int64)}

    def iteration(
        self,
        theta: np.ndarray,
        at: Round,
        subspace: Subspace | None,
        statistics: UnitStatistics | None,
        kept: Mapping[str, np.ndarray],
    ) -> Generator[Stage | Combination, np.ndarray, Step]:
        """See ``Algorithm``: a stage of evaluations, then, where there is something to be reused, one of products."""
        values = (yield Stage(units=self.evaluations))[:, 0]
        new, old = self.probe.measured(values), None
        current = finite_mean(values[self.probe.perturbations.queries :])
        if new is None:
            return Step(None, values, current)
        keep = {"theta": theta, "values": values, "attempt": np.array(at.attempt, dtype=np.int64)}
        attempt = int(kept["attempt"])
        if attempt != NOTHING:
            old = self.probe.measured(kept["values"])
        if old is None:
            (gradient,) = yield Combination(NEW, self.probe.weights(new, at)[None])
            return Step(gradient, values, current, kept=keep)
        back = kept["theta"] - theta
        count = self.probe.perturbations.directions
        payload = np.concatenate([[float(attempt)], back])
        products = (yield Stage(PROJECTIONS, 2 * count, 1, payload))[:, 0].reshape(2, count)
        weights, along_back, reused = self._weights(new, old, products, float(np.add.reduce(back * back)))
        (gradient,) = yield Combination(NEW, weights[:1])
        (earlier,) = yield Combination(OLD + attempt, weights[1:])
        return Step(gradient + earlier + along_back * back, values, current, kept=keep, reused=reused)

    def directions_of(self, number: int, at: Round) -> tuple[Perturbations, np.ndarray]:
        """See ``Algorithm``: this iteration's directions or the last one's, which no task keys."""
        found = self.probe.perturbations if number == NEW else self._earlier(number - OLD)
        return found, np.zeros(1, dtype=np.int64)

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """See ``Algorithm``: an adapted reward, or the product of a direction with theta_old - theta."""
        if request.asked.number != PROJECTIONS:
            return super().work(request, indices, evaluator)
        attempt, back = int(request.asked.payload[0]), request.asked.payload[1:]
        slots, directions = np.divmod(np.array(indices), self.probe.perturbations.directions)
        rows = np.empty((len(indices), 1))
        for slot, made in enumerate((self.probe.perturbations, self._earlier(attempt))):
            chosen = slots == slot
            each = made.each(directions[chosen], request.theta.size, request.round)
            # NumPy's sum and not BLAS's, whose order depends on its threads.
            rows[chosen, 0] = [np.add.reduce(np.multiply(g, back, out=g)) for g in each]
        return rows, Tally.empty(len(indices), request.observer.mean.size)

    def _earlier(self, attempt: int) -> "Earlier":
        return Earlier.like(self.probe.perturbations, attempt=attempt)

    def _weights(
        self, new: Measured, old: Measured, products: np.ndarray, square: float
    ) -> tuple[np.ndarray, float, float]:
        """Of the gradient: what directions, new and old (2, m), are multiplied with, and what theta_old - theta is; and
        how many evaluations the old ones count for. ``products`` (2, m) of directions with that, ``square``: its own.
        """
        perturbations = self.probe.perturbations
        sigma, signs = perturbations.sigma, np.array(perturbations.signs)
        weights, parts = np.zeros((2, perturbations.directions)), (new, old)
        moved = sigma * signs * np.concatenate([products[i][part.kept] for i, part in enumerate(parts)])[:, None]
        is_new = np.repeat([True, False], [len(part.kept) for part in parts])[:, None]
        logarithms = log_ratios(moved, square, sigma, is_new)
        importance = balanced(logarithms, len(new.kept) / len(is_new))
        normal, _, signal = normalize(
            np.concatenate([part.values for part in parts]),
            None if new.pivot is None else np.asarray(new.pivot),
            perturbations.reward_normalization,
        )
        reused = effective(logarithms[~is_new[:, 0]])
        if not signal:
            return weights, 0.0, reused
        addends = importance * normal / (normal.size * sigma)
        along = np.add.reduce(addends * signs, axis=1)
        weights[0, new.kept], weights[1, old.kept] = along[is_new[:, 0]], along[~is_new[:, 0]]
        return weights, float(np.add.reduce(addends[~is_new[:, 0]], axis=None)) / sigma, reused


@dataclass(frozen=True)
class Earlier(Perturbations):
    """The perturbations of the iteration before, of this ``attempt``."""

    attempt: int = 0

    def each(
        self,
        indices: Sequence[int] | np.ndarray,
        dimension: int,
        at: Round,
        task: int = 0,
        subspace: Subspace | None = None,
    ) -> Iterator[np.ndarray]:
        """Directions (d,), one after the other in the same array; ``at`` is the iteration after theirs."""
        return super().each(indices, dimension, Round(at.phase, at.iteration - 1, self.attempt), task, subspace)


def log_ratios(moved: np.ndarray, square: float, sigma: float, is_new: np.ndarray) -> np.ndarray:
    """log(p(x) / q(x)) of samples x, from products ``moved`` of (x - its mean) with b = theta_old - theta, and b . b:
    |x - theta_old|^2 - |x - theta|^2 = b . b - 2 b . (x - theta), where x - theta of old samples has b in it.
    """
    found: np.ndarray = (np.where(is_new, square, -square) - 2 * moved) / (2 * sigma * sigma)
    return found


def balanced(logarithms: np.ndarray, share: float) -> np.ndarray:
    """w = p / (share p + (1 - share) q) of log(p / q), ``share`` being that of new samples."""
    found: np.ndarray = 1 / (share + (1 - share) * elementary.exp(np.minimum(-logarithms, MOST)))
    return found


def effective(logarithms: np.ndarray) -> float:
    """The effective sample size (sum r)^2 / sum r^2 of ratios r = p / q, from their logarithms; at least 1."""
    parts = elementary.exp(logarithms - logarithms.max())
    return float(np.add.reduce(parts, axis=None) ** 2 / np.add.reduce(parts * parts, axis=None))

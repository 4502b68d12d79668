"""Products of the ES Hessian of many tasks and vectors, in two steps that ranks share:

H v = (1 / (m sigma^2)) sum_i c_i ((g_i . v) g_i - v): first the projections g_i . v, then a sum of directions.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.estimators.rewards import scaled, scaling
from esmaml_mpi.hessians import Hessian
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.probes import Measured
from esmaml_mpi.meta.stages import Combination, Request, Stage
from esmaml_mpi.rollouts.units import Tally

PROJECTIONS = 2  # the number of the stage whose units are directions


@dataclass(frozen=True)
class Curvature:
    """An estimator of H from the queries of a probe, whose ``perturbations`` these are.

    ``rewards``: "normalized" like those of the probe's gradient, or "raw".
    """

    hessian: Hessian
    rewards: str
    perturbations: Perturbations

    def has_enough(self, found: Measured) -> bool:
        """Whether what a probe measured is enough for H."""
        if found.pivot is None and self.hessian.needs_pivot:
            return False
        return len(found.values) >= self.hessian.fewest_directions

    def products(
        self, number: int, found: Sequence[Measured | None], vectors: np.ndarray
    ) -> Generator[Stage | Combination, np.ndarray, np.ndarray]:
        """H v (T, d) of vectors (T, d) and what each task's probe measured; 0 without that.

        ``number`` is that of the algorithm's combinations of the probe's directions.
        """
        coefficients = np.zeros((len(found), self.perturbations.directions))
        for row, one in zip(coefficients, found, strict=True):
            if one is not None:
                row[one.kept] = self._coefficients(one)
        rows = yield Stage(PROJECTIONS, coefficients.size, 1, np.ascontiguousarray(vectors).ravel())
        sums = yield Combination(number, coefficients * rows.reshape(coefficients.shape))
        products: np.ndarray = sums - np.add.reduce(coefficients, axis=1)[:, None] * vectors
        return products

    def _coefficients(self, found: Measured) -> np.ndarray:
        """c_i / (m sigma^2) of the m directions that came back."""
        values, pivot = found.values, None if found.pivot is None else np.asarray(found.pivot)
        if self.rewards == "normalized":
            values, pivot = scaled(values, pivot, *scaling(values, pivot, self.perturbations.reward_normalization))
        coefficients: np.ndarray = self.hessian.coefficients(values, pivot)
        return coefficients / (len(values) * self.perturbations.sigma**2)


def projections(
    perturbations: Perturbations, request: Request, tasks: np.ndarray, units: np.ndarray
) -> tuple[np.ndarray, Tally]:
    """Products g_i . v (U, 1) for those units (U,) of the stage PROJECTIONS, which carries the vectors (T, d)."""
    size, products = request.theta.size, np.zeros((len(units), 1))
    vectors = request.asked.payload.reshape(len(tasks), size)
    slots, indices = np.divmod(units, perturbations.directions)
    for slot in np.unique(slots):
        chosen = slots == slot
        each = perturbations.each(indices[chosen], size, request.round, tasks[slot], request.subspace)
        # NumPy's sum and not BLAS's, whose order depends on its threads.
        products[chosen, 0] = [np.add.reduce(np.multiply(g, vectors[slot], out=g)) for g in each]
    return products, Tally.empty(len(units), request.observer.mean.size)

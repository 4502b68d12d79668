"""Zero-order ES-MAML (Song et al. 2020, Algorithm 3, with the estimators of section A.6).

    repeat
        for each perturbation i:  sample tasks;  v_i = mean over them of f^T(U(theta + sigma g_i, T))
        for each current evaluation j:  sample tasks;  w_j = mean over them of f^T(U(theta, T))
        theta <- theta + beta * estimate(v, mean w, g)

Units 0 .. perturbations-1 are the v_i, the rest the w_j. Each unit samples its own tasks; antithetic twins (units 2i
and 2i+1) share tasks and adaptation randomness. With common random numbers all units of an iteration do.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.perturbed_evaluations import PerturbedEvaluations, check_common, common_setting
from esmaml_mpi.meta.probes import Measured, Probe
from esmaml_mpi.meta.stages import Combination, Stage, Step
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Round, Streams
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import (
    NORMALIZATION_DOC,
    RANKED_NORMALIZATIONS,
    ESMetaSettings,
    Sections,
    algorithm_setting,
    known,
)


@dataclass
class ZeroOrderSettings(ESMetaSettings):
    """The outer loop: gradient of the adapted reward from perturbed meta-policies (zero order)."""

    algorithm: str = algorithm_setting("zero_order")
    perturbations: int = setting(
        150, "perturbed meta-policies evaluated per iteration (both of a mirrored pair count)", minimum=1
    )
    current_evaluations: int = setting(
        150, "evaluations of the current meta-policy per iteration; their mean is the pivot", minimum=1
    )
    reward_normalization: str = setting(
        "standardize",
        NORMALIZATION_DOC + "; ranks: which place a reward takes, from -1/2 to 1/2, whatever its size",
        choices=RANKED_NORMALIZATIONS,
    )
    top_directions: int = setting(0, "use only this many best-ranked directions (ARS); 0 uses all", minimum=0)
    top_ranking: str = setting(
        "difference",
        "rank directions by abs(f+ - f-) or abs(f - pivot), which is what they contribute; max: by "
        "max(f+, f-) as in ARS",
        choices=("difference", "max"),
    )
    common_random_numbers: bool = common_setting()


class ZeroOrderSections(Sections):
    """A configuration that chooses this algorithm."""

    meta: ZeroOrderSettings


@dataclass(frozen=True)
class ZeroOrder(PerturbedEvaluations):
    """One algorithm object serves both sides:

    workers ask for ``units`` and ``points``, the aggregator for ``gradient``.
    """

    top_directions: int
    top_ranking: str

    Settings = ZeroOrderSettings

    @classmethod
    def from_config(cls, config: ZeroOrderSections) -> "ZeroOrder":
        meta, streams = config.meta, Streams(config.run.seed)
        perturbations = Perturbations.of_meta_policy(meta, meta.perturbations, streams)
        if meta.top_directions > perturbations.directions:
            raise ConfigError(
                f"meta.top_directions = {meta.top_directions}: there are only {perturbations.directions} directions."
            )
        check_common(meta.common_random_numbers, meta.current_evaluations)
        batches = TaskBatches(known(config.task.train_size), known(config.task.batch_size), streams)
        probe = Probe(perturbations, meta.current_evaluations)
        return cls(probe, batches, meta.common_random_numbers, meta.top_directions, meta.top_ranking)

    def check(self, dimension: int) -> None:
        """ConfigError if there are too few, or too many, directions for a policy of this many parameters."""
        self.probe.perturbations.check(dimension, self.top_directions or None)

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None = None, statistics: UnitStatistics | None = None
    ) -> Generator[Stage | Combination, np.ndarray, Step]:
        """See ``Algorithm``: one stage, and the sum of its directions."""
        rows = yield Stage(units=self.evaluations)
        values = rows[:, 0]
        found = self._found(values)
        gradient = None
        if found is not None and self.probe.perturbations.summable:
            (gradient,) = yield Combination(0, self.probe.weights(found, at)[None])
        elif found is not None:
            gradient = self.probe.gradient(found, theta.size, at, subspace=subspace)
        return Step(gradient, values, finite_mean(values[self.probe.perturbations.queries :]))

    def directions_of(self, number: int, at: Round) -> tuple[Perturbations, np.ndarray]:
        """See ``Algorithm``: one set of directions, which no task keys."""
        return self.probe.perturbations, np.zeros(1, dtype=np.int64)

    def gradient(
        self, at: Round, values: np.ndarray, dimension: int, subspace: Subspace | None = None
    ) -> np.ndarray | None:
        """Meta-gradient (d,) from unit values (E,), nan where a unit failed; None if too few are left to form it.

        A direction counts if all its queries did; the pivot is the mean over the current evaluations that did.
        """
        found = self._found(values)
        return None if found is None else self.probe.gradient(found, dimension, at, subspace=subspace)

    def _found(self, values: np.ndarray) -> Measured | None:
        """The directions that count, and what was measured of them."""
        found = self.probe.measured(values)
        return None if found is None else self._top(found)

    def _top(self, found: Measured) -> Measured:
        """The ``top_directions`` best-ranked of the directions, in index order; all of them if 0."""
        values = found.values
        if not 0 < self.top_directions < len(values):
            return found
        if self.top_ranking == "max":
            rank = values.max(axis=1)
        else:
            reference = found.pivot if found.pivot is not None else np.mean(values)
            rank = np.abs(values[:, 0] - (reference if values.shape[1] == 1 else values[:, 1]))
        best = np.sort(np.argsort(-rank, kind="stable")[: self.top_directions])
        return Measured(found.kept[best], values[best], found.pivot)

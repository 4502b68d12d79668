"""Evo-MAML's adaptation from rewards alone: ES gradient steps, and then the evolving step (``evolution.py``)."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.adaptation.es_gradient import ESGradient
from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import operator_setting


def candidates_setting() -> int:
    """The key that all forms of the evolving step have."""
    return setting(2, "candidates P of the evolving step", minimum=2)


def candidate_sigma_setting() -> float:
    """As above."""
    return setting(0.001, "how far each parameter of a candidate moves", above=0)


def temperature_setting() -> float:
    """As above."""
    return setting(0.05, "temperature tau of the softmax of standardised performances", above=0)


@dataclass(frozen=True)
class EvoESGradient(ESGradient):
    """ES gradient ``steps``, then a mixture of candidates by merit, each of which is tried once more."""

    operator: str = operator_setting("evo_es_gradient")
    candidates: int = candidates_setting()
    candidate_sigma: float = candidate_sigma_setting()
    temperature: float = temperature_setting()

    learned: ClassVar[list[str]] = []  # type: ignore[misc]  # no setting here
    counts = ("adaptation.queries", "adaptation.candidates")

    @property
    def evolution(self) -> Evolution:
        """The evolving step."""
        return Evolution(self.candidates, self.candidate_sigma, self.temperature)

    @property
    def queries_at_once(self) -> int:
        """Policies in one yield, at most."""
        return max(self.step_queries, self.candidates)

    @property
    def directions_at_once(self) -> int:
        """Directions of one step, at most."""
        return max(self.step_directions, self.candidates)

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return self.steps + 1

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return super().rollouts + self.candidates

    def pivot_last(self, step: int) -> bool:
        """Whether the last query of this yield is the pivot; there is none among candidates."""
        return self.evaluates_pivot and step < self.steps

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
        own: np.ndarray | None = None,
        policy: AnyPolicy | None = None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``ESGradient.adapt``; the mixture is told too."""
        adapted = yield from super().adapt(theta, normals, centre, own, policy)
        points = self.evolution.points(adapted, normals(self.candidates))
        performances = yield points
        mixture = self.evolution.mixture(points, performances)
        centre(mixture)
        return mixture

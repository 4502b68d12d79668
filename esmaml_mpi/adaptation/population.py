"""Population search: U(theta, T) is the best of a population that has been selected for several generations.

The second operator without gradients of Song et al. 2020, section 3.3.2, which leaves open how a population is made
and who survives. Here it is the plain (mu + lambda) evolution strategy, and each choice is stated below.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.adaptation.winners import comparable
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import KEY_WORD, AdaptationSettings, operator_setting


@dataclass(frozen=True)
class PopulationSearch(AdaptationSettings):
    """Each generation evaluates ``population`` policies once; the best ``survivors`` ever seen are the next parents.

    The first generation is theta itself and ``population`` - 1 policies theta + sigma g, g ~ N(0, I). In later ones
    every policy is a parent plus sigma g, the parents taken in turn from the best on. Parents keep the reward with
    which they have survived and compete with their children; of equals the older stays. With a population of 1 this
    is hill climbing. A policy with reward nan has failed and ranks below every reward.
    """

    operator: str = operator_setting("population_search")
    population: int = setting(5, "policies evaluated in a generation", minimum=1)
    survivors: int = setting(2, "how many of the best are parents of the next generation", minimum=1)
    generations: int = setting(4, "generations, the first one included", minimum=1, maximum=KEY_WORD)
    sigma: float = setting(0.1, "length of a child's step from its parent, per parameter", above=0)

    counts = ("adaptation.population",)
    tells_centre = True
    bears_failures = True
    returns_tried = True

    def __post_init__(self) -> None:
        if self.survivors > self.population:
            raise ConfigError(
                f"adaptation.survivors = {self.survivors}: at most adaptation.population = {self.population} are "
                "there to survive the first generation."
            )

    @property
    def queries_at_once(self) -> int:
        """Policies in one yield."""
        return self.population

    @property
    def directions_at_once(self) -> int:
        """Children of one generation."""
        return self.population if self.generations > 1 else max(self.population - 1, 1)

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return self.generations

    @property
    def noise_advice(self) -> str:
        """What to do under noise."""
        return (
            "population search keeps the rewards that parents have survived with and never looks at them again: where "
            "the same policy does not earn the same reward each time, lucky ones stay. More survivors dilute that; "
            "adaptation.operator=hill_climbing with adaptation.reevaluate_pivot=true does without it."
        )

    def pivot_last(self, step: int) -> bool:
        """False: there is no pivot."""
        return False

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return self.population * self.generations

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; ``centre`` is told the best so far (d, U, T) after each generation."""
        children = theta[..., None]
        if self.population > 1:
            children = np.concatenate([children, children + self.sigma * normals(self.population - 1)], axis=-1)
        parents, values = self._selected(children, (yield children))
        centre(parents[..., 0])
        turns = np.arange(self.population) % self.survivors
        for _ in range(self.generations - 1):
            children = parents[..., turns] + self.sigma * normals(self.population)
            rewards = yield children
            parents, values = self._selected(
                np.concatenate([parents, children], axis=-1), np.concatenate([values, rewards], axis=-1)
            )
            centre(parents[..., 0])
        return parents[..., 0]

    def _selected(self, policies: np.ndarray, rewards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The best of policies (d, U, T, n) by rewards (U, T, n), best first, and their rewards."""
        rewards = comparable(rewards)
        order = np.argsort(-rewards, axis=-1, kind="stable")[..., : self.survivors]
        return np.take_along_axis(policies, order[None], axis=-1), np.take_along_axis(rewards, order, axis=-1)

"""Latent search: U(theta, T) is found by trying a few numbers, the latent, of which the outer loop learns what they do.

A latent z (n,) shifts the biases of the policy's first layer along n directions, as if it were further inputs that stay
constant: W x + b + M z. M is learned with the policy, so that a trial moves where tasks differ and nowhere else. Close
to it are Meta Strategy Optimization (Yu et al. 2019, arXiv 1909.12995) and FAMLE (Kaushik et al. 2020, arXiv
2003.04663).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.adaptation.cma_es import Searches, check_cmaes, population
from esmaml_mpi.adaptation.meta_parameters import Told
from esmaml_mpi.adaptation.race import Noise, Race
from esmaml_mpi.adaptation.winners import best, comparable
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import AnyPolicy, shifted_rows
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import KEY_WORD, AdaptationSettings, operator_setting

SCHEMES = ("hill_climbing", "one_plus_one", "gaussian", "cma_es")
STEPWISE = SCHEMES[:2]  # one latent at a time, which begins where the best so far is
# Factors of the step, exp(0.8) and exp(-0.2): they balance where one trial in five succeeds. As numbers, since the last
# bit of an exponential may depend on the processor.
SUCCESS, FAILURE = 2.225540928492468, 0.8187307530779818

Made = Callable[[np.ndarray], np.ndarray]  # latents (n, U, T, Q) -> policies (d, U, T, Q)


@dataclass(frozen=True)
class LatentSearch(AdaptationSettings):
    """theta itself, z = 0, is tried first; then ``queries`` latents, each once, and the best of all is kept.

    Where rewards vary, ``reevaluations`` further trials follow those of ``gaussian``: they go, one after the other, to
    whichever of its policies most is expected of (``race``), and the highest mean is kept.

    Its own meta-parameters: M (n, biases), row by row. Policies that do not say which their first biases are, as
    perhaps one of yours, are shifted in all parameters.

    ``cma_es`` tries whole generations of 4 + floor(3 ln n) latents, the first around 0; what is left of K at the end is
    tried together too. It keeps the best of all that it has tried, not the mean of its last generation.
    """

    operator: str = operator_setting("latent_search")
    latent: int = setting(4, "size n of the latent", minimum=1)
    queries: int = setting(20, "latents K that are tried beside 0", minimum=1, maximum=KEY_WORD)
    sigma: float = setting(1.0, "length of a step of the latent, per number", above=0)
    scheme: str = setting(
        "hill_climbing",
        "hill_climbing: steps from the best latent so far; one_plus_one: the same, and steps grow where they succeed "
        "and shrink where not, by the rule of one success in five; gaussian: all steps from 0, tried together; cma_es: "
        "generations around a mean, whose covariances are adapted (needs the cmaes package)",
        choices=SCHEMES,
    )
    spread: float = setting(1.0, "how far a latent of 1 shifts at first, standard deviation", above=0)
    reevaluations: int = setting(
        0,
        "further trials, for rewards that vary, with scheme gaussian: each of whichever of the policies most is "
        "expected of; the highest mean is then kept",
        minimum=0,
        maximum=KEY_WORD - 1,
    )

    tells_centre = True
    bears_failures = True
    returns_tried = True
    counts: ClassVar[tuple[str, ...]] = ("adaptation.queries",)

    def __post_init__(self) -> None:
        if self.reevaluations and self.scheme != "gaussian":
            raise ConfigError(
                f"adaptation.reevaluations = {self.reevaluations}: latents that depend on the rewards of earlier ones "
                'are not tried again; choose adaptation.scheme = "gaussian", or 0.'
            )

    @property
    def _batches(self) -> list[int]:
        """How many latents are tried together, each time."""
        size = {"gaussian": self.queries, "cma_es": population(self.latent)}.get(self.scheme, 1)
        return [min(size, self.queries - tried) for tried in range(0, self.queries, size)]

    @property
    def queries_at_once(self) -> int:
        """Policies in the largest yield: theta is tried with the first latents, or alone where they depend on it."""
        return 1 if self.scheme in STEPWISE else self._batches[0] + 1

    @property
    def fewest_at_once(self) -> int:
        """Policies in the smallest yield: a further trial, or what is left for the last batch."""
        return 1 if self.reevaluations else min([self.queries_at_once, *self._batches[1:]])

    @property
    def directions_at_once(self) -> int:
        """The most steps drawn together."""
        return self._batches[0]

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return self.queries + 1 if self.scheme in STEPWISE else len(self._batches) + self.reevaluations

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return self.queries + 1 + self.reevaluations

    @property
    def noise_advice(self) -> str:
        """What to do under noise, unless that is done."""
        if self.reevaluations:
            return ""
        return (
            "latent search keeps the reward that its best policy has won with and never looks at it again: where the "
            "same policy does not earn the same reward each time, one lucky trial can end the search. "
            "adaptation.scheme=gaussian with adaptation.reevaluations=R spends R further trials on whichever policies "
            "most is expected of, and takes the highest mean."
        )

    def pivot_last(self, step: int) -> bool:
        """False: theta is tried first."""
        return False

    def check_dimension(self, dimension: int) -> None:
        """ConfigError without what the scheme needs."""
        if self.scheme == "cma_es":
            check_cmaes("adaptation.scheme = 'cma_es'")

    def own_size(self, policy: AnyPolicy) -> int:
        """Numbers of M."""
        return self.latent * len(shifted_rows(policy))

    def own_initial(self, policy: AnyPolicy, generator: np.random.Generator) -> np.ndarray:
        """M at first: standard normals."""
        return generator.standard_normal(self.own_size(policy))

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[..., np.ndarray],
        centre: Told = lambda parameters: None,
        *,
        own: np.ndarray,
        policy: AnyPolicy,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; ``centre`` is told the best so far (d, U, T) after each batch of trials."""
        rows = shifted_rows(policy)
        directions = own.reshape(self.latent, len(rows), *own.shape[1:])  # (n, rows, U, T)

        def made(latents: np.ndarray) -> np.ndarray:
            """Policies (d, U, T, Q) of latents (n, U, T, Q)."""
            found = np.repeat(theta[..., None], latents.shape[-1], axis=-1)
            # A sum over the leading axis: the same bits in any batch.
            found[rows] += self.spread * np.add.reduce(directions[..., None] * latents[:, None], axis=0)
            return found

        search = self._stepwise if self.scheme in STEPWISE else self._together
        return (yield from search(theta, made, normals, centre))

    def _stepwise(
        self, theta: np.ndarray, made: Made, normals: Callable[..., np.ndarray], centre: Told
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """One latent at a time, from the best so far."""
        kept, step = np.zeros((self.latent, *theta.shape[1:])), np.full(theta.shape[1:], self.sigma)
        reached = theta
        value = comparable((yield theta[..., None])[..., 0])
        for _ in range(self.queries):
            latent = kept + step * normals(1, self.latent)[..., 0]
            candidate = made(latent[..., None])
            reward = comparable((yield candidate)[..., 0])
            better = reward > value
            kept, value = np.where(better, latent, kept), np.where(better, reward, value)
            reached = np.where(better, candidate[..., 0], reached)
            if self.scheme == "one_plus_one":
                step = step * np.where(better, SUCCESS, FAILURE)
            centre(reached)
        return reached

    def _together(
        self, theta: np.ndarray, made: Made, normals: Callable[..., np.ndarray], centre: Told
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """Batches of latents, theta beside the first."""
        searches = Searches(self.latent, self.sigma, theta.shape[1:]) if self.scheme == "cma_es" else None
        reached, value, last = theta, np.full(theta.shape[1:], -np.inf), len(self._batches) - 1
        for i, count in enumerate(self._batches):
            steps = normals(count, self.latent)
            latents = searches.ask(steps) if searches else self.sigma * steps
            tried = made(latents)
            if i == 0:
                tried = np.concatenate([theta[..., None], tried], axis=-1)
            rewards = yield tried
            if self.reevaluations:  # of the only batch
                race = Race.of(tried, rewards, Noise.unknown(*theta.shape[1:]))
                return (yield from race.run(self.reevaluations, centre))
            if searches and i < last:
                searches.tell(latents, comparable(rewards[..., -count:]))
            winner, reward = best(tried, rewards)
            better = reward > value
            reached, value = np.where(better, winner, reached), np.where(better, reward, value)
            centre(reached)
        return reached

"""A programme of trials: U(theta, T) is the best of a fixed list of policies, which the outer loop learns.

Nothing is left to chance: which policies are tried, and in which order, is part of the meta-policy. They differ in the
biases of the first layer. Policies that do not say which these are, as perhaps one of yours, differ in all parameters.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esmaml_mpi.adaptation.race import Noise, Race
from esmaml_mpi.adaptation.winners import best
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import AnyPolicy, shifted_rows
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import KEY_WORD, AdaptationSettings, operator_setting


@dataclass(frozen=True)
class TrialProgramme(AdaptationSettings):
    """theta itself is tried first, then ``queries`` policies that are learned beside it; the best is kept.

    Where rewards vary, ``reevaluations`` further trials go, one after the other, to whichever of these policies most is
    expected of (``race``), and the highest mean is kept.

    Its own meta-parameters: the shift (biases,) of each of these, in units of ``spread``.
    """

    operator: str = operator_setting("trial_programme")
    queries: int = setting(5, "learned policies K that are tried beside theta", minimum=1)
    spread: float = setting(
        4.0,
        "standard deviation of what distinguishes them at first, and the unit in which it is learned: the larger, the "
        "further the outer loop looks",
        above=0,
    )
    stop_at: float = setting(
        float("inf"), "take the first policy with at least this reward, and try none after it", finite=False
    )
    reevaluations: int = setting(
        0,
        "further trials, for rewards that vary: each of whichever of the policies most is expected of; the highest "
        "mean is then kept",
        minimum=0,
        maximum=KEY_WORD - 1,
    )

    tells_centre = True
    bears_failures = True
    returns_tried = True
    counts: ClassVar[tuple[str, ...]] = ("adaptation.queries",)

    def __post_init__(self) -> None:
        if self.reevaluations and self.stop_at < math.inf:
            raise ConfigError(
                f"adaptation.stop_at = {self.stop_at:g}: one reward is not enough where rewards vary, for which "
                f"adaptation.reevaluations = {self.reevaluations} is; set one of them."
            )

    @property
    def queries_at_once(self) -> int:
        """Policies in its largest yield, the first."""
        return self.queries + 1

    @property
    def fewest_at_once(self) -> int:
        """Policies in its smallest yield: one, of each further trial."""
        return 1 if self.reevaluations else self.queries_at_once

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return 1 + self.reevaluations

    directions_at_once = 0

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task, unless it stops earlier."""
        return self.queries + 1 + self.reevaluations

    @property
    def noise_advice(self) -> str:
        """What to do under noise, unless that is done."""
        if self.reevaluations:
            return ""
        return (
            "a trial programme takes the policy with the highest of its rewards, each of one trial: where the same "
            "policy does not earn the same reward each time, the luckiest may win. adaptation.reevaluations=R spends "
            "R further trials on whichever policies most is expected of, and takes the highest mean."
        )

    def pivot_last(self, step: int) -> bool:
        """False: theta is tried first."""
        return False

    def enough(self, step: int, reward: float) -> bool:
        """Whether what follows in this yield need not be tried."""
        return reward >= self.stop_at

    def own_size(self, policy: AnyPolicy) -> int:
        """Numbers of all shifts."""
        return self.queries * len(shifted_rows(policy))

    def own_initial(self, policy: AnyPolicy, generator: np.random.Generator) -> np.ndarray:
        """Shifts at first: standard normals."""
        return generator.standard_normal(self.own_size(policy))

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[..., np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
        *,
        own: np.ndarray,
        policy: AnyPolicy,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``."""
        rows = shifted_rows(policy)
        shifts = own.reshape(self.queries, len(rows), *own.shape[1:])
        tries = np.repeat(theta[..., None], self.queries + 1, axis=-1)
        tries[rows, ..., 1:] += self.spread * np.moveaxis(shifts, 0, -1)
        rewards = yield tries
        if self.reevaluations:
            race = Race.of(tries, rewards, Noise.unknown(*theta.shape[1:]))
            return (yield from race.run(self.reevaluations, centre))
        # The first that is enough; where there is none, the best.
        return best(tries, np.where(rewards >= self.stop_at, np.inf, rewards))[0]

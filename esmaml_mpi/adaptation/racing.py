"""Racing: hill climbing for rewards that vary. Candidates race against the best so far, which is tried again as well.

Races of this kind choose among programs and settings in machine learning (Maron and Moore 1997, "The racing
algorithm"); here each trial goes where most is expected of it (``race``).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.adaptation.race import Noise, Race
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import KEY_WORD, AdaptationSettings, operator_setting


@dataclass(frozen=True)
class Racing(AdaptationSettings):
    """``rounds`` races between the best so far, the pivot, and candidates theta + sigma g, g ~ N(0, I), around it.

    Each candidate is tried once. Then ``reevaluations`` further trials go, one after the other, to whichever policy
    most is expected of, the pivot among them. The highest mean is the next pivot, and its trials go on counting. The
    noise is estimated from all policies that have been tried again. A policy with reward nan has failed: it never
    wins, and as pivot it loses to whatever has a reward.
    """

    operator: str = operator_setting("racing")
    rounds: int = setting(7, "races", minimum=1, maximum=KEY_WORD)
    candidates: int = setting(5, "policies P that are tried around the best so far in each", minimum=1)
    reevaluations: int = setting(
        2,
        "further trials of each race, for whichever of the candidates and the best so far most is expected of",
        minimum=1,
    )
    sigma: float = setting(0.1, "length of a candidate's step from the best so far, per parameter", above=0)

    counts = ("adaptation.candidates",)
    tells_centre = True
    bears_failures = True
    returns_tried = True
    noise_advice = ""

    @property
    def queries_at_once(self) -> int:
        """Policies in the largest yield, the first: theta is tried beside its candidates."""
        return self.candidates + 1

    @property
    def fewest_at_once(self) -> int:
        """Policies in the smallest yield: one, of each further trial."""
        return 1 if self.reevaluations else self.candidates

    @property
    def directions_at_once(self) -> int:
        """Candidates of one race."""
        return self.candidates

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return self.rounds * (1 + self.reevaluations)

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return 1 + self.rounds * (self.candidates + self.reevaluations)

    def pivot_last(self, step: int) -> bool:
        """False: its pivots are measured as any other policy is."""
        return False

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; ``centre`` is told the leader of a race (d, U, T) after each further trial."""
        race: Race | None = None
        for _ in range(self.rounds):
            candidates = theta[..., None] + self.sigma * normals(self.candidates)
            if race is None:
                tried = np.concatenate([theta[..., None], candidates], axis=-1)
                race = Race.of(tried, (yield tried), Noise.unknown(*theta.shape[1:]))
            else:
                race = race.joined(candidates, (yield candidates))
            theta = yield from race.run(self.reevaluations, centre)
        return theta

"""Meta-learning algorithms, one a file. To add one: write a file with such a class and add a line to ``ALGORITHMS``,
or name it from outside (docs/extending.md).
"""

from collections.abc import Generator
from typing import Protocol

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.stages import Combination, Request, Stage, Step
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.units import Tally
from esmaml_mpi.settings.contract import check_dataclass, check_storable
from esmaml_mpi.settings.registry import Registry
from esmaml_mpi.settings.sections import Sections


class Algorithm(Protocol):
    """An algorithm: rank 0 runs an ``iteration``, every rank does the ``work`` of its stages.

    All randomness is keyed by the round, so that any rank may do any unit.
    """

    Settings: type  # its section [meta]
    evaluations: int  # values E that an iteration records
    counts: tuple[str, ...]  # the settings that decide how many
    most_units: int  # of any stage
    tasks_at_once: int  # tasks that one unit adapts to
    queries_at_once: int  # policies that a unit tries together when it has adapted
    directions_held: int  # that a rank holds at once because they are drawn jointly
    uses_subspace: bool  # whether its directions use what earlier meta-gradients suggest
    keeps_unit_statistics: int  # units that keep observation statistics of their own, 0 for none
    announcement: str  # what an iteration evaluates, in words

    # An algorithm that remembers something of its iterations has a method ``initially_kept(dimension)``, which gives
    # the arrays, by name, that the first one begins with. ``iteration`` is given them as its last argument, ``kept``,
    # and ``Step.kept`` has those of the next one, of the same shapes. They go into checkpoints.

    @classmethod
    def from_config(cls, config: Sections) -> "Algorithm":
        """The algorithm of a resolved config."""

    def check(self, dimension: int) -> None:
        """ConfigError if it cannot do with a policy of this many parameters."""

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None, statistics: UnitStatistics
    ) -> Generator[Stage | Combination, np.ndarray, Step]:
        """One iteration around theta (d,): yields stages, is sent their rows (units, width), nan where one failed;
        yields combinations of its directions, is sent their sums (slots, d).
        """

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """Rows (U, width) of these units of the request's stage, and what its rollouts amounted to."""

    def directions_of(self, number: int, at: Round) -> tuple[Perturbations, np.ndarray]:
        """The directions of combinations with this number: of which perturbations, and the tasks (S,) that key them.

        Needed of algorithms that yield combinations.
        """


# name -> where its class is; imported only when used.
ALGORITHMS = Registry(
    "meta.algorithm",
    "algorithms",
    {
        "zero_order": "esmaml_mpi.meta.zero_order:ZeroOrder",
        "zero_order_reuse": "esmaml_mpi.meta.reuse:Reuse",
        "snes": "esmaml_mpi.meta.snes:SNES",
        "first_order": "esmaml_mpi.meta.first_order:FirstOrder",
        "pg_maml": "esmaml_mpi.baselines.pg_maml:PGMAML",
        "evo_maml": "esmaml_mpi.baselines.evo_maml:EvoMAML",
        "evo_zero_order": "esmaml_mpi.baselines.evo_zero_order:EvoZeroOrder",
        "e_maml": "esmaml_mpi.baselines.pg_maml:EMAML",
    },
    methods=("Settings", "from_config", "check", "iteration", "work"),
    attributes=(
        *("evaluations", "counts", "most_units", "tasks_at_once", "queries_at_once", "directions_held"),
        *("uses_subspace", "keeps_unit_statistics", "announcement"),
    ),
)


def kept_by(algorithm: Algorithm, dimension: int) -> dict[str, np.ndarray]:
    """What an algorithm remembers before its first iteration on d numbers; nothing for most. ConfigError where a
    checkpoint could not hold it.
    """
    found: dict[str, np.ndarray] = getattr(algorithm, "initially_kept", lambda _: {})(dimension)
    check_storable(f"meta.algorithm: initially_kept() of {type(algorithm).__name__}", found)
    return found


def algorithm_class(name: str) -> type[Algorithm]:
    """The class of an algorithm; ConfigError if there is none or it cannot be had."""
    found: type[Algorithm] = ALGORITHMS.find(name)
    check_dataclass(f"Settings of {ALGORITHMS.told(name, ALGORITHMS.key)}", found.Settings)
    return found

"""Adaptation operators U(theta, T). To add one: write a file with such a class and add a line to ``OPERATORS``, or name
it from outside (docs/extending.md).

An operator is a generator function: it yields the parameters it wants evaluated, receives their rewards, and returns
the adapted parameters. It knows neither tasks nor rollouts, so the same code serves a batched simulation and a robot
that tries one policy at a time.
"""

import dataclasses
from collections.abc import Callable, Generator
from typing import Any, ClassVar, Protocol

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.settings.contract import source
from esmaml_mpi.settings.registry import Registry
from esmaml_mpi.settings.sections import AdaptationSettings


class Operator(Protocol):
    """An adaptation operator. Arrays carry U units and T tasks, adapted independently of each other."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    operator: str  # its name in the registry
    queries_at_once: int  # the most policies it yields together, Q
    directions_at_once: int  # the most that it draws together
    counts: tuple[str, ...]  # the settings that decide how many these are
    yields: int  # how often it asks for rewards
    rollouts: int  # of one adaptation to one task
    # Optional: the fewest different policies it yields together, where that is less.
    fewest_at_once: int
    # Optional: whether ``adapt`` takes a third argument, a function that is told where the operator stands; whether it
    # goes on where a reward is nan or -inf, as of a robot that fell; and whether what it returns is always one of the
    # policies that it has tried.
    tells_centre: bool
    bears_failures: bool
    returns_tried: bool
    # Optional: ``enough(step, reward)``, whether what follows this reward in yield ``step`` need not be tried. It is
    # then not, where policies are tried one at a time, and has nan for a reward, which must make no difference.
    enough: Callable[[int, float], bool]
    # Optional: what to do where trying the same policy again gives another reward, if the operator as it is set takes
    # rewards at their word; empty if it does not.
    noise_advice: str
    # Optional: whether it is sent a Recording of its queries' episodes (``rollouts/recording.py``) in place of rewards.
    uses_recordings: bool
    # Optional: whether it is sent what policies that see their rewards remember (s, U, T, Q) in place of rewards, and
    # returns that below their parameters.
    uses_memory: bool
    # Optional: meta-parameters of its own, which the outer loop learns beside those of the policy: their number e by
    # ``own_size(policy)``, and by ``own_initial(policy, generator)`` those (e,) to start from. ``adapt`` then has two
    # keyword arguments more, ``own`` (e, U, T) and ``policy``, and ``normals(count, n)`` draws (n, U, T, count). By
    # ``own_needs_policy`` an operator says whether e depends on the policy, which it does if that is not said; by
    # ``own_layout(policy)`` what its rows are, names and sizes.
    own_size: Callable[[AnyPolicy], int]
    own_initial: Callable[[AnyPolicy, np.random.Generator], np.ndarray]
    own_needs_policy: bool
    own_layout: Callable[[AnyPolicy], list[tuple[str, int]]]

    def adapt(
        self, theta: np.ndarray, normals: Callable[[int], np.ndarray]
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """Adapt theta (d, U, T): yields queries (d, U, T, Q), is sent rewards (U, T, Q), returns (d, U, T).

        ``normals(count)`` draws the next directions (d, U, T, count) of each unit and task, scaled as standard normals;
        if it has ``importance(directions)``, averages are weighted by it.
        """

    def pivot_last(self, step: int) -> bool:
        """Whether the last query of yield ``step`` is a pivot, theta itself."""


def is_enough(operator: Operator, step: int, reward: float) -> bool:
    """Whether what follows this reward in yield ``step`` need not be tried, as far as the operator says."""
    return hasattr(operator, "enough") and bool(operator.enough(step, reward))


# name -> where its class is; imported only when used.
OPERATORS = Registry(
    "adaptation.operator",
    "operators",
    {
        "es_gradient": "esmaml_mpi.adaptation.es_gradient:ESGradient",
        "hill_climbing": "esmaml_mpi.adaptation.hill_climbing:HillClimbing",
        "population_search": "esmaml_mpi.adaptation.population:PopulationSearch",
        "latent_search": "esmaml_mpi.adaptation.latent_search:LatentSearch",
        "trial_programme": "esmaml_mpi.adaptation.trial_programme:TrialProgramme",
        "racing": "esmaml_mpi.adaptation.racing:Racing",
        "chain": "esmaml_mpi.adaptation.chain:Chain",
        "none": "esmaml_mpi.adaptation.none:NoAdaptation",
        "recurrent": "esmaml_mpi.adaptation.recurrent:Recurrent",
        "evo_es_gradient": "esmaml_mpi.baselines.evo_es_gradient:EvoESGradient",
        "evo_policy_gradient": "esmaml_mpi.baselines.evo_policy_gradient_steps:EvoPolicyGradientSteps",
        "policy_gradient": "esmaml_mpi.baselines.policy_gradient_steps:PolicyGradientSteps",
    },
    methods=("adapt", "pivot_last"),
    attributes=("queries_at_once", "directions_at_once", "counts", "yields", "rollouts"),
)


def operator_class(name: str, key: str = OPERATORS.key) -> type[Operator]:
    """The class of an operator, its section [adaptation]; ConfigError, which names ``key``, if it cannot be had."""
    found: type[Operator] = OPERATORS.find(name, key)
    if not (isinstance(found, type) and issubclass(found, AdaptationSettings) and dataclasses.is_dataclass(found)):
        raise ConfigError(
            f"{OPERATORS.told(name, key)}: {found!r}{source(found)} is not a dataclass that extends AdaptationSettings "
            "(esmaml_mpi.settings.sections), which is wanted of an operator."
        )
    return found

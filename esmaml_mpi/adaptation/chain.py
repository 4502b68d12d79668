"""Several operators one after the other: each starts from what the one before it returned."""

import dataclasses
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from esmaml_mpi.adaptation import Operator, is_enough
from esmaml_mpi.adaptation.meta_parameters import adapting, own_initial, own_size
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.fields import parse, show, unknown
from esmaml_mpi.settings.sections import AdaptationSettings, operator_setting

COMMON = {field.name for field in dataclasses.fields(AdaptationSettings)} - {"operator"}


@dataclass(frozen=True)
class Chain(AdaptationSettings):
    """U_n(...U_2(U_1(theta, T), T)..., T), each operator with a budget of its own.

    For example a gradient step, which uses all of its queries, and then hill climbing, which never loses by one.
    """

    operator: str = operator_setting("chain")
    links: list[dict] = setting(
        [{"operator": "es_gradient"}, {"operator": "hill_climbing"}],
        "the operators in turn, each a table with `operator` and the keys of that operator",
    )

    counts = ("adaptation.links",)
    tells_centre = True
    own_needs_policy = False  # but of its operators some may

    def __post_init__(self) -> None:
        if not self.links:
            raise ConfigError("adaptation.links = []: a chain of no operators; at least one is wanted.")
        self.operators  # noqa: B018 (raises ConfigError for what they do not take)

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The operators that the links describe."""
        return tuple(_operator(link, f"adaptation.links[{i}]") for i, link in enumerate(self.links))

    @property
    def queries_at_once(self) -> int:
        """Policies in the largest yield."""
        return max(operator.queries_at_once for operator in self.operators)

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return sum(operator.rollouts for operator in self.operators)

    def own_size(self, policy: AnyPolicy | None) -> int:
        """Meta-parameters that its operators have of their own."""
        return sum(own_size(operator, policy) for operator in self.operators)

    def own_initial(self, policy: AnyPolicy, generator: np.random.Generator) -> np.ndarray:
        """Those to start from, of each operator in turn."""
        return np.concatenate([own_initial(operator, policy, generator) for operator in self.operators])

    @property
    def directions_at_once(self) -> int:
        """The most directions drawn together."""
        return max(operator.directions_at_once for operator in self.operators)

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return sum(operator.yields for operator in self.operators)

    def pivot_last(self, step: int) -> bool:
        """Whether the last query of this yield is a pivot."""
        for operator in self.operators:
            if step < operator.yields:
                return operator.pivot_last(step)
            step -= operator.yields
        return False

    def enough(self, step: int, reward: float) -> bool:
        """Whether what follows this reward in this yield need not be tried."""
        for operator in self.operators:
            if step < operator.yields:
                return is_enough(operator, step, reward)
            step -= operator.yields
        return False

    def check_dimension(self, dimension: int) -> None:
        """ConfigError if a link has too few queries for a policy of this many parameters."""
        for i, operator in enumerate(self.operators):
            if hasattr(operator, "check_dimension"):
                try:
                    operator.check_dimension(dimension)
                except ConfigError as error:
                    raise ConfigError(f"adaptation.links[{i}]: {error}") from error

    @property
    def noise_advice(self) -> str:
        """What to do under noise: of the first link that says something."""
        return next(filter(None, (getattr(operator, "noise_advice", "") for operator in self.operators)), "")

    @property
    def bears_failures(self) -> bool:
        """Whether every operator goes on where a trial has no reward."""
        return all(getattr(operator, "bears_failures", False) for operator in self.operators)

    @property
    def returns_tried(self) -> bool:
        """Whether the last operator, which tries what it returns, does so."""
        return getattr(self.operators[-1], "returns_tried", False)

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
        own: np.ndarray | None = None,
        policy: AnyPolicy | None = None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; ``centre`` is told what the chain has reached, at least after each operator.
        ``own`` has the rows of each operator in turn.
        """
        left = theta[:0] if own is None else own
        for operator in self.operators:
            count = own_size(operator, policy)
            theta = yield from adapting(operator, policy, theta, left[:count], normals, centre)
            left = left[count:]
            centre(theta)
        return theta


def _operator(link: Mapping[str, Any], path: str) -> Operator:
    """The operator of one link."""
    from esmaml_mpi.adaptation import OPERATORS, operator_class  # which imports this file

    name = link.get("operator")
    if not isinstance(name, str):
        raise unknown(f"{path}.operator", name, OPERATORS)
    cls = operator_class(name, f"{path}.operator")
    if getattr(cls, "uses_recordings", False):
        raise ConfigError(f"{path}.operator = {name!r}: a chain hands on rewards, and this one needs whole episodes.")
    if getattr(cls, "uses_memory", False):
        raise ConfigError(
            f"{path}.operator = {name!r}: a chain hands on parameters, and this one leaves them as they are."
        )
    for key in COMMON & link.keys():
        raise ConfigError(f"{path}.{key} = {show(link[key])}: adaptation.{key} is for the whole chain.")
    try:
        return parse(cls, link, path)
    except ConfigError as error:
        if path in str(error):
            raise
        raise ConfigError(f"{path}: {error}") from error  # of values that do not go together

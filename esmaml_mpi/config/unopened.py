"""Sections that name code of somebody else's, read without it: values as they stand, and the keys that all have."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.meta import ALGORITHMS, algorithm_class
from esmaml_mpi.settings.fields import parse, show
from esmaml_mpi.settings.sections import AdaptationSettings, MetaSettings


class Unopened:
    """Keeps what its base does not know in ``others``, and gives it by name."""

    others: Mapping[str, Any]

    @classmethod
    def of(cls, table: Mapping[str, Any], path: str, known: bool) -> Self:
        """From a section's table; ConfigError where common keys are not as they should be. ``known``: see ``parse``."""
        common = {f.name for f in dataclasses.fields(cls) if f.metadata}  # type: ignore[arg-type]
        shared = {key: value for key, value in table.items() if key in common}
        parsed = parse(cls, shared, path, known)  # type: ignore[type-var]
        others = {key: value for key, value in table.items() if key not in common}
        for key in others:
            if not key.isidentifier():
                raise ConfigError(f"{path}.{show(key)}: the name of a setting is wanted.")
        return dataclasses.replace(parsed, others=others)  # type: ignore[type-var]

    def __getattr__(self, name: str) -> Any:
        others = self.__dict__.get("others", {})
        if name not in others:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        return others[name]


@dataclass(frozen=True)
class UnopenedAdaptation(Unopened, AdaptationSettings):
    """The inner loop, of an operator that has not been imported."""

    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class UnopenedMeta(Unopened, MetaSettings):
    """The outer loop, of an algorithm, or with parts, that have not been imported."""

    others: Mapping[str, Any] = field(default_factory=dict)

    def policy_of(self, network: Any) -> Any:
        """As the algorithm says, where it is this program's."""
        if not ALGORITHMS.is_ours(self.algorithm):
            return network
        return algorithm_class(self.algorithm).Settings.policy_of(self, network)  # type: ignore[attr-defined]

"""The sections whose keys depend on what one of them names: [adaptation] on the operator, [meta] on the algorithm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from esmaml_mpi.adaptation import OPERATORS, operator_class
from esmaml_mpi.meta import ALGORITHMS, algorithm_class
from esmaml_mpi.settings import sections
from esmaml_mpi.settings.fields import parse


@dataclass(frozen=True)
class Choice:
    """A section whose keys depend on what its ``key`` names; ``settings_of(name)`` is None for an unknown name."""

    key: str
    default: str
    common: type
    settings_of: Callable[[str], type | None]


def _operator_settings(name: str) -> type | None:
    return operator_class(name) if name in OPERATORS else None


def _algorithm_settings(name: str) -> type | None:
    return algorithm_class(name).Settings if name in ALGORITHMS else None


CHOICES = {
    "adaptation": Choice("operator", "es_gradient", sections.AdaptationSettings, _operator_settings),
    "meta": Choice("algorithm", "zero_order", sections.MetaSettings, _algorithm_settings),
}


def chosen(section: str, table: Mapping) -> Any:
    """A section whose keys are those of the operator, or algorithm, that it names."""
    choice, cls = CHOICES[section], settings_class(section, table)
    if cls is choice.common and isinstance(table, Mapping):  # there is none of this name, whatever else is wrong
        parse(cls, {choice.key: table[choice.key]}, section)
    return parse(cls, table, section)


def settings_class(section: str, table: Mapping) -> type:
    """The settings of what a table names; the common ones, which refuse it, if there is none of this name."""
    choice = CHOICES[section]
    name = table.get(choice.key, choice.default) if isinstance(table, Mapping) else None
    return (choice.settings_of(name) if isinstance(name, str) else None) or choice.common

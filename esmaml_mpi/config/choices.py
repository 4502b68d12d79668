"""The sections whose keys depend on what one of them names: [adaptation] on the operator, [meta] on the algorithm."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from esmaml_mpi.adaptation import OPERATORS, operator_class
from esmaml_mpi.config.code import all_ours
from esmaml_mpi.config.unopened import UnopenedAdaptation, UnopenedMeta
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
    unopened: type[UnopenedAdaptation] | type[UnopenedMeta]


def _operator_settings(name: str) -> type | None:
    return operator_class(name) if OPERATORS.accepts(name) else None


def _algorithm_settings(name: str) -> type | None:
    return algorithm_class(name).Settings if ALGORITHMS.accepts(name) else None


CHOICES = {
    "adaptation": Choice(
        "operator", "es_gradient", sections.AdaptationSettings, _operator_settings, UnopenedAdaptation
    ),
    "meta": Choice("algorithm", "zero_order", sections.MetaSettings, _algorithm_settings, UnopenedMeta),
}


def opens(opened: bool | Container[str], section: str) -> bool:
    """Whether a section is to be opened: all are, or none, or those that are named."""
    return opened if isinstance(opened, bool) else section in opened


def chosen(section: str, table: Mapping, opened: bool = True, known: bool = True) -> Any:
    """A section whose keys are those of the operator, or algorithm, that it names. Not ``opened``: nothing is imported
    that is not this program's, and a section that would need it keeps its values as they stand. ``known``: see
    ``Config.parsed``.
    """
    if not opened and not all_ours(section, table):
        return CHOICES[section].unopened.of(table, section, known)
    choice, cls = CHOICES[section], settings_class(section, table)
    if cls is choice.common and isinstance(table, Mapping):  # there is none of this name, whatever else is wrong
        parse(cls, {choice.key: table[choice.key]}, section)
    return parse(cls, table, section)


def settings_class(section: str, table: Mapping) -> type:
    """The settings of what a table names; the common ones, which refuse it, if there is none of this name."""
    choice = CHOICES[section]
    name = table.get(choice.key, choice.default) if isinstance(table, Mapping) else None
    return (choice.settings_of(name) if isinstance(name, str) else None) or choice.common

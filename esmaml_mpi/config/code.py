"""What of a configuration is the name of code, and whose that code is. Nothing is imported here."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from esmaml_mpi.adaptation import OPERATORS
from esmaml_mpi.decoders import DECODERS
from esmaml_mpi.directions import DIRECTIONS
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.meta import ALGORITHMS
from esmaml_mpi.meta.optimizers import OPTIMIZERS
from esmaml_mpi.policies import POLICIES
from esmaml_mpi.settings import modules
from esmaml_mpi.settings.registry import Registry
from esmaml_mpi.settings.sections import Sections
from esmaml_mpi.tasks import FAMILIES

INNER = {"operator": OPERATORS, "directions": DIRECTIONS, "decoder": DECODERS, "estimator": ESTIMATORS}
OUTER = {"directions": DIRECTIONS, "decoder": DECODERS, "estimator": ESTIMATORS, "optimizer": OPTIMIZERS}
NAMED: Mapping[str, Mapping[str, Registry]] = {
    "task": {"name": FAMILIES},
    "policy": {"architecture": POLICIES},
    "adaptation": INNER,
    "meta": {"algorithm": ALGORITHMS, **OUTER},
}
BRIDGE = "gymnasium"  # the family that takes an environment by its name


def all_ours(section: str, table: Any) -> bool:
    """Whether everything that a section's table names is this program's, or nothing at all."""
    return all(registry.is_ours(name) for _, name, registry in _named(section, table) if isinstance(name, str))


def places(config: Sections) -> dict[str, str]:
    """Key -> "module:attribute" of everything in it that is not this program's; environments are among them if they
    are in the user's modules, or registered by such.
    """
    found: dict[str, str] = {}
    for section in NAMED:
        for key, name, registry in _named(section, vars(getattr(config, section))):
            if isinstance(name, str) and not registry.is_ours(name):
                place = registry.place(name, key) if registry.accepts(name) else f"(not here):{name}"
                if isinstance(place, str):
                    found[key] = place
    environment = config.task.options.get("environment")
    if config.task.name == BRIDGE and isinstance(environment, str):
        place = environment if ":" in environment else _registered(environment)
        if place:
            found["task.options.environment"] = place
    return found


def _named(section: str, table: Any) -> Iterator[tuple[str, Any, Registry]]:
    """(key, name, registry) of what a section's table names."""
    if not isinstance(table, Mapping):
        return
    table = {**table, **table.get("others", {})}
    for key, registry in NAMED[section].items():
        if key in table:
            yield f"{section}.{key}", table[key], registry
    links = table.get("links", []) if section == "adaptation" else []
    for i, link in enumerate(links if isinstance(links, list) else []):
        for key, registry in INNER.items():
            if isinstance(link, Mapping) and key in link:
                yield f"adaptation.links[{i}].{key}", link[key], registry


def _registered(environment: str) -> str:
    """Where Gymnasium has an environment from, if that is neither Gymnasium nor this program."""
    gymnasium = sys.modules.get("gymnasium")
    spec = gymnasium.registry.get(environment) if gymnasium else None
    place = getattr(spec, "entry_point", None)
    if not isinstance(place, str):
        name = getattr(place, "__qualname__", "")
        place = f"{getattr(place, '__module__', '')}:{name}" if name else ""
    return "" if place.startswith(("gymnasium.", modules.OURS)) else place

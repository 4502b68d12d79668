"""Registries of what can be named: entries are imported when used, so that a worker loads no more than it needs.

Beside the names of a registry itself there are those of installed packages, by entry points of its group, and whatever
``module:Class`` says.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from esmaml_mpi.errors import ConfigError, UserError, in_words
from esmaml_mpi.settings import modules, naming
from esmaml_mpi.settings.contract import check_members
from esmaml_mpi.settings.fields import show, unknown

_installed: dict[str, dict[str, str]] = {}  # group -> name -> place, of entry points that were looked up


class Registry(dict[str, Any]):
    """Name -> where it is, ``module:Class``, or the thing itself.

    ``key``: the setting that chooses from it; ``group``: of entry points; ``methods``: what a thing must have, and
    ``attributes``: what an object that is made by it must have too.
    """

    error: type[UserError] = ConfigError

    def __init__(
        self,
        key: str,
        group: str,
        entries: Mapping[str, Any],
        methods: Iterable[str] = (),
        attributes: Iterable[str] = (),
    ):
        super().__init__(entries)
        self.key, self.group = key, f"esmaml_mpi.{group}"
        self.methods, self.attributes = tuple(methods), tuple(attributes)

    def accepts(self, name: str) -> bool:
        """Whether something may be of this name; nothing is imported."""
        return name in self or ":" in name or self._entry_point(name) is not None

    def place(self, name: str, key: str = "") -> Any:
        """Where a name's thing is, ``module:Class``, or the thing itself; ConfigError if there is none."""
        if name in self:
            return self[name]
        if ":" in name:
            return name
        found = self._entry_point(name)
        if found is None:
            raise unknown(key or self.key, name, [*self, *self.entry_points()])
        return found

    def is_ours(self, name: object) -> bool:
        """Whether it is a part of this program; nothing is imported."""
        place = self.get(name) if isinstance(name, str) else None
        return place is not None and (not isinstance(place, str) or place.startswith(modules.OURS))

    def find(self, name: str, key: str = "") -> Any:
        """The thing of this name; ConfigError, or the error of this registry, which names ``key``, if it cannot be had,
        and UntrustedError if a file asks for it, and the user has not.
        """
        key, place = key or self.key, self.place(name, key)
        if not isinstance(place, str):
            return place
        if name not in self:
            naming.check_asked(name, key)
        try:
            # What a module of the user's does when it is imported may be anything.
            found = imported(place) if place.startswith(modules.OURS) else modules.load(place)
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            if place.startswith(modules.OURS) and not isinstance(error, ImportError):
                raise
            raise self.refusal(name, key, place, error) from error
        if not self.is_ours(name):
            check_members(self.told(name, key), found, self.methods, self.error)
        return found

    def check_made(self, name: str, thing: object, key: str = "") -> None:
        """Raise the registry's error unless an object that ``name`` has made has all attributes, if it is a user's."""
        if not self.is_ours(name):
            check_members(self.told(name, key or self.key), thing, self.attributes, self.error)

    def told(self, name: str, key: str) -> str:
        """How a message speaks of a name."""
        return f"{key} = {show(name)}"

    def refusal(self, name: str, key: str, place: str, error: BaseException) -> UserError:
        """What to say where a thing cannot be imported."""
        where = "" if place == name or place.startswith(modules.OURS) else f", which is {place},"
        return self.error(f"{self.told(name, key)}{where} cannot be used: {in_words(error)}.")

    def entry_points(self) -> list[str]:
        """Names that installed packages give."""
        from importlib import metadata  # it looks through all that is installed

        return sorted({each.name for each in metadata.entry_points(group=self.group)} - set(self))

    def _entry_point(self, name: str) -> str | None:
        known = _installed.setdefault(self.group, {})
        if name not in known:
            from importlib import metadata

            places = sorted({each.value for each in metadata.entry_points(group=self.group, name=name)})
            if len(places) > 1:
                raise ConfigError(f"{self.key} = {name!r}: several packages give it, as {' and '.join(places)}.")
            if not places:
                return None
            known[name] = places[0]
        return known[name]


class Objects(Registry):
    """A registry that is asked for things themselves; a class becomes an object if things have attributes."""

    def __missing__(self, name: str) -> Any:
        module = sys.modules.get(str(self.place(name)).partition(":")[0])
        before, found = self._loaded.get(name, (None, None))
        if before is None or before is not module:  # for the first time, or of a module that has been imported anew
            found = self.find(name)
            if self.attributes:
                found = found() if isinstance(found, type) else found
                self.check_made(name, found)
            self._loaded[name] = sys.modules.get(str(self.place(name)).partition(":")[0]), found
        return found

    @cached_property
    def _loaded(self) -> dict[str, tuple[Any, Any]]:
        return {}


def imported(entry: str) -> Any:
    """The object that "module:name" stands for; raises whatever importing it raises, and AttributeError."""
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)


def known_here() -> dict[str, Any]:
    """What other ranks must be told, so that they find what this one has found."""
    return {"folders": modules.folders(), "not_here": modules.not_here(), "installed": _installed}


def adopt(known: Mapping[str, Any]) -> None:
    """Take over what another rank knows."""
    modules.adopt(known["folders"], known["not_here"])
    for group, names in known["installed"].items():
        _installed.setdefault(group, {}).update(names)

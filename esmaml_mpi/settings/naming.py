"""Who has named code: the user, or only a file.

``module:attribute`` in a configuration is code that is run. Who writes it into a TOML file, on the command line or into
a program wants that. Who opens somebody's results file does not: names out of files are refused here, at the one door
to the import, until the user has named them too or has said that the file is trusted. What he named in an earlier
command counts if it is the same code with the same settings (``remembered``).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from esmaml_mpi.errors import UntrustedError
from esmaml_mpi.settings import modules


class _Wish(NamedTuple):
    """Of a ``file``; ``ran``: checksum of the module that it was written with, "" if the file does not say."""

    file: str
    ran: str


_asked: set[str] = set()  # names that the user has given
_found_in: dict[str, dict[str, _Wish]] = {}  # names that only files have given -> checksum of settings -> whose wish
_granted: dict[str, set[str]] = {}  # names -> checksums of settings of files that the user has said he trusts


def asked(values: Any, trusted: str = "") -> None:
    """Whatever is named in these tables, lists and texts the user has named: it may be imported. ``trusted``: the file
    that they came with, where he has said that of it.
    """
    for name in _names(values):
        _asked.add(name)
        came = _found_in.pop(name, {})
        if trusted:
            _granted.setdefault(name, set()).update(each for each, wish in came.items() if wish.file == trusted)


def came_with(values: Any, file: str, ran: Mapping[str, str] = MappingProxyType({})) -> None:
    """Whatever is named in these values is the wish of ``file``: refused, unless the user has named it. ``ran``: module
    -> checksum of the one that the file was written with, as far as it says.
    """
    for name in set(_names(values)) - _asked:
        wish = _Wish(file, ran.get(name.partition(":")[0], ""))
        _found_in.setdefault(name, {}).setdefault(_settings_of(values, name), wish)


def check_asked(name: str, key: str) -> None:
    """UntrustedError if only a file has named this, and the user not in an earlier command either."""
    for settings, wish in _found_in.get(name, {}).items():
        folders, reason = _named_before(name, settings, wish.ran)
        if folders is None:
            raise UntrustedError(
                f"{wish.file} wants to import {name!r} ({key}), which runs code{reason}. If you trust the file, say "
                "so: --trust, or trust=True in Python."
            )
    if name in _found_in:
        modules.look_only_in(folders or [], name.partition(":")[0])
        del _found_in[name]


def remember(values: Any, names: Iterable[str]) -> None:
    """Let later commands import those of ``names`` that are in the values, if a file hands the same settings to them;
    what only a file has named is left out.
    """
    from esmaml_mpi.settings import remembered, source_files  # rank 0's, of those who name code

    for name in sorted(set(names) & set(_names(values)) - _found_in.keys()):
        module = name.partition(":")[0]
        modules.put_on_path(modules.places(module))
        source = source_files.find(module)
        if source is not None:
            for settings in {_settings_of(values, name), *_granted.get(name, ())}:
                remembered.keep(remembered.Entry(name, settings, *source, modules.places(module)))


def _named_before(name: str, settings: str, ran: str) -> tuple[list[str] | None, str]:
    """The folders in which the user's own code of this name is found as it was; None and why not, if it is not."""
    from esmaml_mpi.settings import remembered, source_files

    known = remembered.entries(name)
    alike = [entry for entry in known if entry.settings == settings]
    if not alike:
        return None, " (you have named it with other settings than the file has)" if known else ""
    # There may be several of one name: the one that ran, or the one of this folder, or the latest.
    here = os.getcwd()
    entry = min(alike, key=lambda entry: (entry.sha256 != ran, here not in entry.folders))
    modules.put_on_path(entry.folders)
    source = source_files.find(name.partition(":")[0])
    if source == (entry.file, entry.sha256):
        return entry.folders, ""
    if source is None:
        return None, f" (you have named {entry.file}, which is not found)"
    if source.file == entry.file:
        return None, f" ({entry.file} has changed since you named it here)"
    return None, f" (it is {source.file}, and you have named {entry.file})"


def _settings_of(values: Any, name: str) -> str:
    """Checksum of the sections that name it: what is handed to it is in them."""
    import hashlib
    import json

    if isinstance(values, Mapping):
        values = {key: value for key, value in values.items() if name in _names(value)}
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _names(values: Any) -> Iterator[str]:
    """All texts with a colon: more than are imported, so that none is forgotten."""
    if isinstance(values, str):
        if ":" in values:
            yield values
    elif isinstance(values, Mapping):
        for inner in values.values():
            yield from _names(inner)
    elif isinstance(values, list | tuple):
        for inner in values:
            yield from _names(inner)

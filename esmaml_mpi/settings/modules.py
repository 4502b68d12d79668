"""Modules of the user's: where they are looked for, and who has named them.

``module:attribute`` in a configuration is code that is run. Who writes it into a TOML file, on the command line or into
a program wants that. Who opens somebody's results file does not: names out of files are refused here, at the one door
to the import, until the user has named them too or has said that the file is trusted.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.machinery import PathFinder
from operator import attrgetter
from os import PathLike
from types import ModuleType
from typing import Any

from esmaml_mpi.errors import UntrustedError

OURS = "esmaml_mpi."

_folders: list[str] = []  # the latest first
_added: set[str] = set()  # those that have been put on Python's path here
_asked: set[str] = set()  # names that the user has given
_found_in: dict[str, str] = {}  # names that only a file has given -> that file


def look_in(folder: str | PathLike[str]) -> None:
    """Look for modules in this folder too, before the folders told of earlier, but behind Python's own path."""
    place = os.path.abspath(folder)
    if place in _folders:
        _folders.remove(place)
    _folders.insert(0, place)


def folders() -> list[str]:
    """The folders told of, the latest first."""
    return list(_folders)


def asked(values: Any) -> None:
    """Whatever is named in these tables, lists and texts the user has named: it may be imported."""
    for name in _names(values):
        _asked.add(name)
        _found_in.pop(name, None)


def came_with(values: Any, file: str) -> None:
    """Whatever is named in these values is the wish of ``file``: refused, unless the user has named it."""
    for name in _names(values):
        if name not in _asked:
            _found_in.setdefault(name, file)


def check_asked(name: str, key: str) -> None:
    """UntrustedError if only a file has named this."""
    if name in _found_in:
        raise UntrustedError(
            f"{_found_in[name]} wants to import {name!r} ({key}), which runs code. If you trust the file, say so: "
            "--trust, or trust=True in Python."
        )


def load(place: str) -> Any:
    """What "module:attribute" stands for. Raises whatever importing it raises; ImportError where it is not there."""
    name, _, attribute = place.partition(":")
    found = module(name)
    try:
        return attrgetter(attribute)(found)
    except AttributeError:
        import difflib  # of those who are mistaken

        near = difflib.get_close_matches(attribute, dir(found), n=1)
        hint = f", but {near[0]!r}" if near else ""
        where = f" ({found.__file__})" if getattr(found, "__file__", None) else ""
        raise ImportError(f"module {name!r}{where} has no attribute {attribute!r}{hint}", name=name) from None


def module(name: str) -> ModuleType:
    """Import a module from Python's path, the folders told of, or the current one, which come last so as to hide
    nothing that is installed. Raises whatever importing it raises; ImportError if it is hidden by another.
    """
    if not name.startswith(OURS):
        _put_on_path()
        _check_not_hidden(name.partition(".")[0])
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise  # it is there, and imports something that is not
        raise ModuleNotFoundError(f"{error}. {_advice(name)}", name=error.name) from error
    except (TypeError, ValueError) as error:  # an empty name, or one with dots in front
        raise ImportError(f"{error}. {_advice(name)}", name=name) from error


def _advice(name: str) -> str:
    if name.endswith(".py") or "/" in name:
        named = name.removesuffix(".py").strip("./").replace("/", ".")
        return f"A module's name is wanted, not a file's: {named!r}"
    return (
        "It is looked for beside the configuration, in the folder that the command is run in, and on Python's path "
        "(PYTHONPATH)"
    )


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


def _put_on_path() -> None:
    sys.path[:] = [each for each in sys.path if each not in _added]
    _added.clear()
    for folder in (*_folders, os.getcwd()):
        if folder not in sys.path and not (folder == os.getcwd() and "" in sys.path):
            sys.path.append(folder)
            _added.add(folder)


def _check_not_hidden(top: str) -> None:
    """ImportError if the user's own module of this name cannot be had in this process."""
    own = _own_file(top)
    if own is None:
        return
    if top in sys.stdlib_module_names:
        raise ImportError(f"{own} is hidden by Python's own module {top!r}: give the file another name", name=top)
    loaded = getattr(sys.modules.get(top), "__file__", None)
    if loaded is None or _same(loaded, own):
        return
    spec = PathFinder.find_spec(top)
    if spec is not None and spec.origin is not None and _same(spec.origin, own):
        raise ImportError(
            f"{own} is wanted, and this process has imported another module {top!r}, {loaded}: use another process, "
            "or give one of them another name",
            name=top,
        )


def _own_file(top: str) -> str | None:
    for folder in (*_folders, os.getcwd()):
        for path in (os.path.join(folder, top, "__init__.py"), os.path.join(folder, f"{top}.py")):
            if os.path.isfile(path):
                return path
    return None


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)

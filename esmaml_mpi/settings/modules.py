"""Modules of the user's: where they are looked for, and what hides them."""

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.machinery import PathFinder
from operator import attrgetter
from os import PathLike
from types import ModuleType
from typing import Any

OURS = "esmaml_mpi."

_folders: list[str] = []  # the latest first
_added: set[str] = set()  # those that have been put on Python's path here
_not_here: set[str] = set()  # modules that are not looked for in the current folder


def look_in(folder: str | PathLike[str]) -> None:
    """Look for modules in this folder too, before the folders told of earlier, but behind Python's own path."""
    place = os.path.abspath(folder)
    if place in _folders:
        _folders.remove(place)
    _folders.insert(0, place)


def folders() -> list[str]:
    """The folders told of, the latest first."""
    return list(_folders)


def not_here() -> list[str]:
    """Modules that are not looked for in the current folder."""
    return sorted(_not_here)


def look_only_in(folders: Iterable[str], module: str) -> None:
    """Look for modules in these folders too, the first before the others, and for this one not in the current folder,
    which may be anybody's.
    """
    for folder in reversed(list(folders)):
        look_in(folder)
    _not_here.add(module)


def adopt(told_of: Iterable[str], not_here: Iterable[str]) -> None:
    """Take over what ``folders`` and ``not_here`` are on another rank."""
    for folder in reversed(list(told_of)):
        look_in(folder)
    _not_here.update(not_here)


def places(module: str) -> list[str]:
    """The folders in which a module is looked for, behind Python's own path."""
    return list(_folders) if module in _not_here else list(dict.fromkeys([*_folders, os.getcwd()]))


def put_on_path(folders: Iterable[str]) -> None:
    """Make these the folders behind Python's own path."""
    sys.path[:] = [each for each in sys.path if each not in _added]
    _added.clear()
    for folder in folders:
        if folder not in sys.path and not (folder == os.getcwd() and "" in sys.path):
            sys.path.append(folder)
            _added.add(folder)


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
        put_on_path(places(name))
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

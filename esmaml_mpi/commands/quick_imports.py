"""Imports that ask the file system little: hundreds of ranks start from one file server.

For each module Python looks at its folder, twice at the source, and three times at the compiled file. Here a folder is
listed once, and a module then takes two calls: one looks at the source, so that a changed one is still compiled anew,
and one opens the compiled file. Everything else is Python's own machinery, through the door that it has for this:
https://docs.python.org/3/reference/import.html#path-entry-finders
"""

import os
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType

READ_AT_ONCE = 1 << 18  # bytes; longer than nearly every module


class Loader(SourceFileLoader):
    """Python's own, but reads a file without asking for its size first."""

    def get_data(self, path: str) -> bytes:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            blocks = []
            while block := os.read(file, READ_AT_ONCE):
                blocks.append(block)
            return b"".join(blocks)
        finally:
            os.close(file)


# In Python's own order.
LOADERS = [(suffix, ExtensionFileLoader) for suffix in EXTENSION_SUFFIXES] + [
    (suffix, Loader) for suffix in SOURCE_SUFFIXES
]


class Folder:
    """What can be imported from a folder, as it was when first looked at or after ``importlib.invalidate_caches()``.

    Raises ImportError where Python's own finders are to look: at archives, and at what is no folder.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._names = self._list()

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Where a module is: first a package, then a file, then a folder that is a package without a file."""
        name = fullname.rpartition(".")[2]
        package = self._package(name) if name in self._names else None
        if package is None:
            return self._spec(fullname, name)
        if (spec := package._spec(fullname, "__init__")) or (spec := self._spec(fullname, name)):
            return spec
        spec = ModuleSpec(fullname, None)
        spec.submodule_search_locations = [package._path]
        return spec

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """What ``pkgutil`` asks for: name and whether it is a package, of all modules here."""
        found: dict[str, bool] = {}
        for entry in sorted(self._names):
            name = next((entry.removesuffix(end) for end, _ in LOADERS if entry.endswith(end)), entry)
            inner = self._package(entry) if name == entry and "." not in entry else None
            if name != "__init__" and "." not in name and (name != entry or (inner and inner._spec(name, "__init__"))):
                found[name] = found.get(name, False) or inner is not None
        for name, is_package in found.items():
            yield prefix + name, is_package

    def invalidate_caches(self) -> None:
        """List the folder again."""
        self._names = self._list()

    def _list(self) -> set[str]:
        try:
            return set(os.listdir(self._path or "."))
        except OSError as error:
            raise ImportError(str(error), path=self._path) from error

    def _package(self, name: str) -> "Folder | None":
        """The folder of this name, which is kept for what is imported from it; None for a file."""
        try:
            inner = Folder(os.path.join(self._path, name))
        except ImportError:
            return None
        sys.path_importer_cache[inner._path] = inner
        return inner

    def _spec(self, fullname: str, name: str) -> ModuleSpec | None:
        inside = [self._path] if name == "__init__" else None
        for suffix, loader in LOADERS:
            if name + suffix in self._names:
                path = os.path.join(self._path, name + suffix)
                made = loader(fullname, path)
                return spec_from_file_location(fullname, path, loader=made, submodule_search_locations=inside)
        return None


def import_quickly(*roots: str) -> None:
    """From now on modules are found in this way in these folders and below them; those that are loaded stay.

    Without ``roots`` in what is installed, and in this package. A user's own folders, in which files may appear while
    the program runs, are Python's to look at.
    """
    roots = roots or (sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(__file__)))

    def find(path: str) -> Folder:
        if not any(path == root or path.startswith(root.rstrip(os.sep) + os.sep) for root in roots):
            raise ImportError("not one of these folders", path=path)
        return Folder(path)

    sys.path_hooks.insert(0, find)
    sys.path_importer_cache.clear()

"""Source files of modules: where Python would find one, and their checksum. Nothing is imported here."""

import hashlib
import importlib.util
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple


class Source(NamedTuple):
    """A module's ``file``, or the ``__init__.py`` of the package that it is in, without symbolic links, and the
    ``sha256`` of the file, or of all Python files of the package.
    """

    file: str
    sha256: str


def find(module: str) -> Source | None:
    """What `import module` would load now; None where that cannot be told, as of what is compiled into Python."""
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
        name = top
        # Packages without an __init__.py run nothing, so what is in them is found without importing them.
        while spec is not None and not spec.has_location and spec.submodule_search_locations is not None and inner:
            name = f"{name}.{inner.pop(0)}"
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
        if spec is None or not spec.has_location or spec.origin is None:
            return None
        file = Path(spec.origin).resolve()
        return Source(str(file), checksum(file, spec.submodule_search_locations is not None))
    except Exception:  # finders of other packages may raise anything
        return None


def checksum(file: Path, package: bool) -> str:
    """SHA-256 of a file, or, if it is the ``__init__`` of a package, of all Python files of that; raises OSError."""
    root = file.parent
    files = sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()) if package else [file]
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()

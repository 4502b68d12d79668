"""The code of the user's that a launch ran: which files, and whether they are still what they were."""

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from esmaml_mpi.settings.source_files import checksum

FACT = "code_"  # in front of a module's name, among the facts of a launch
SHOWN = 12  # digits of a checksum in a message


@dataclass(frozen=True)
class Code:
    """A module: its ``file``, "" where it has none, ``sha256`` of it, or of all of the package that it is in, and
    ``version`` of what was installed, "" where nothing was.
    """

    file: str = ""
    sha256: str = ""
    version: str = ""

    @property
    def folder(self) -> str:
        """Where modules beside it are found."""
        path = Path(self.file).parent
        while (path / "__init__.py").exists() and path != path.parent:
            path = path.parent
        return str(path)

    @property
    def summary(self) -> str:
        """In words."""
        version = f", version {self.version}" if self.version else ""
        return f"{self.file or 'no file'}, sha256 {self.sha256[:SHOWN] or 'unknown'}{version}"


def facts_of(places: Iterable[str]) -> dict[str, str]:
    """Facts for a launch, a JSON text a module, of these places "module:attribute"; they have been imported."""
    names = {place.partition(":")[0] for place in places}
    return {f"{FACT}{name}": json.dumps(dataclasses.asdict(_code(name))) for name in sorted(names)}


def code_of(facts: Mapping[str, Any]) -> dict[str, Code]:
    """Module -> its code, from the facts of a launch; what is none is left out."""
    found = {}
    for fact, value in facts.items():
        if fact.startswith(FACT) and isinstance(value, str):
            try:
                told = json.loads(value)
                known = {each.name: str(told[each.name]) for each in dataclasses.fields(Code) if each.name in told}
            except (ValueError, TypeError):
                continue
            found[fact.removeprefix(FACT)] = Code(**known)
    return found


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """A line for each module that is another one in the facts ``now`` than it was in the facts ``before``."""
    old, new = code_of(before), code_of(now)
    for name in sorted(old.keys() & new.keys()):
        if old[name].sha256 != new[name].sha256:
            yield (
                f"module {name!r} has changed since the run: it was {old[name].summary}, and is {new[name].summary}; "
                "numbers may be others"
            )


def _code(name: str) -> Code:
    top = name.partition(".")[0]
    module, package = sys.modules.get(name), sys.modules.get(top)
    file = getattr(module, "__file__", None) or ""
    inner = getattr(package, "__file__", None)
    of_package = bool(inner and getattr(package, "__path__", None))
    source = inner if of_package else file
    try:
        sha256 = checksum(Path(source), of_package) if source else ""
    except OSError:
        sha256 = ""
    return Code(os.path.abspath(file) if file else "", sha256, _version(top))


def _version(top: str) -> str:
    for distribution in (*metadata.packages_distributions().get(top, ()), top):
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return ""

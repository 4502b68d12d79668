"""Code that the user himself has named, remembered from one command to the next: his own results need no --trust.

An entry is a small JSON file in ``${XDG_STATE_HOME:-~/.local/state}/esmaml/named_code``, so that processes which write
at once do not disturb each other. Whatever is wrong there, nothing is remembered and nothing is raised: a run goes on,
and a file that names code needs --trust.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass

SWITCH = "ESMAML_REMEMBER"  # 0: nothing is written or read
MOST = 1000  # entries; the oldest are forgotten
LONGEST = 2**16  # bytes of an entry


@dataclass(frozen=True)
class Entry:
    """``name``: "module:attribute"; ``settings``: checksum of the sections that named it, so that no file hands other
    values to it; ``file`` and ``sha256``: its source, see source_files; ``folders``: where modules were looked for.
    """

    name: str
    settings: str
    file: str
    sha256: str
    folders: list[str]


def folder() -> str | None:
    """Where entries are; None where nothing is remembered."""
    state, home = os.environ.get("XDG_STATE_HOME", ""), os.environ.get("HOME", "")
    if not os.path.isabs(state):  # its specification wants such ignored
        state = os.path.join(home, ".local", "state")
    if os.environ.get(SWITCH) == "0" or not os.path.isabs(state):
        return None
    return os.path.join(state, "esmaml", "named_code")


def entries(name: str) -> list[Entry]:
    """What is remembered of a name, the latest first."""
    place, found = folder(), []
    with contextlib.suppress(OSError):
        if place is None or not _private(place):
            return []
        begin = _short(name)
        for file in os.scandir(place):
            if file.name.startswith(begin):
                with contextlib.suppress(OSError, ValueError, TypeError):  # damaged, or gone meanwhile
                    entry = _read(file.path)
                    if entry.name == name:
                        found.append((file.stat().st_mtime_ns, entry))
    return [entry for _, entry in sorted(found, key=lambda each: each[0], reverse=True)]


def keep(entry: Entry) -> None:
    """Remember it, in place of what was remembered of the same name, settings and file."""
    place = folder()
    if place is None:
        return
    with contextlib.suppress(OSError, ValueError):
        os.makedirs(place, mode=0o700, exist_ok=True)
        if not _private(place):
            return
        path = os.path.join(place, f"{_short(entry.name)}-{_short(entry.settings + entry.file)}.json")
        temporary = f"{path}.{os.urandom(8).hex()}"
        content = json.dumps(asdict(entry), indent=1).encode()
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        _forget_oldest(place)


def _forget_oldest(place: str) -> None:
    if len(os.listdir(place)) <= MOST:
        return
    ages = []
    for file in os.scandir(place):
        with contextlib.suppress(OSError):  # another process was quicker
            ages.append((file.stat().st_mtime_ns, file.path))
    for _, path in sorted(ages)[:-MOST]:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _private(place: str) -> bool:
    """Whether nobody else can have put anything there."""
    about = os.stat(place)
    return about.st_uid == os.geteuid() and not about.st_mode & 0o022


def _read(path: str) -> Entry:
    """ValueError or TypeError unless it is one."""
    with open(path, "rb") as file:
        entry = Entry(**json.loads(file.read(LONGEST)))
    texts = (entry.name, entry.settings, entry.file, entry.sha256)
    if not all(isinstance(each, str) for each in (*texts, *entry.folders)):
        raise ValueError("no entry")
    return entry


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

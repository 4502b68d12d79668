"""The last good files of a run, beside its newest: run.h5.previous, run.h5.previous-2 and so on.

At every moment one good file of the run exists: each step is a hard link or a rename.
"""

import errno
import os
from pathlib import Path

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


def generation(path: Path, number: int) -> Path:
    """Where the file is kept that was the newest ``number`` writes ago."""
    if number == 0:
        return path
    return path.with_name(f"{path.name}.previous" + (f"-{number}" if number > 1 else ""))


def older(path: Path) -> list[Path]:
    """The older generations that there are, the latest first."""
    found: list[Path] = []
    while (next_one := generation(path, len(found) + 1)).exists():
        found.append(next_one)
    return found


def keep_newest(path: Path, keep: int) -> None:
    """Make the newest file the first of the older generations, of which ``keep`` - 1 stay. It stays the newest, too,
    where the file system has hard links. OSError if that fails.
    """
    forget(path, keep - 1)
    if keep < 2 or not path.exists():
        return
    for number in reversed(range(1, keep - 1)):
        if generation(path, number).exists():
            os.replace(generation(path, number), generation(path, number + 1))
    link = path.with_name(f".{path.name}.link")
    try:
        link.unlink(missing_ok=True)
        os.link(path, link)
        os.replace(link, generation(path, 1))
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.replace(path, generation(path, 1))
    finally:
        link.unlink(missing_ok=True)


def forget(path: Path, keep: int) -> None:
    """Remove all older generations but the latest ``keep``."""
    for surplus in older(path)[max(keep, 0) :]:
        surplus.unlink(missing_ok=True)


def put_aside(path: Path, word: str) -> Path:
    """Rename a file that is not to be lost to run.h5.WORD, or WORD-2 where that is taken; its new name."""
    number, place = 1, path.with_name(f"{path.name}.{word}")
    while os.path.lexists(place):
        number += 1
        place = path.with_name(f"{path.name}.{word}-{number}")
    os.replace(path, place)
    return place

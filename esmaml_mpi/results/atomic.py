"""Files that are there whole or not at all, whatever ends the process."""

import contextlib
import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path


def target(path: Path) -> Path:
    """Where a file is to be written whose name may be a symbolic link: at what the link names."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def replace_file(path: Path, content: bytes) -> None:
    """Make ``content`` the file at ``path``, with the mode of the one that was there.

    Either all of it is there afterwards, or OSError is raised and the old file is as it was.
    """
    path = target(path)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        write_through(temporary, [content], path)
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a whole file, flushed to disk, to its name."""
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself must survive a power cut
    finally:
        os.close(folder)


def write_through(path: Path, blocks: Iterable[memoryview | bytes], like: Path) -> None:
    """Write a file of these blocks, with the mode of ``like`` if there is that file, and flush it to disk.

    Raises OSError.
    """
    with _new(path, like) as file:
        for block in blocks:
            _write(file.fileno(), memoryview(block))
        os.fsync(file.fileno())


def _new(path: Path, like: Path) -> io.RawIOBase:
    """A new file of this name, whatever was there: a link is not followed. What is to be private is so from the first
    byte on.
    """
    path.unlink(missing_ok=True)
    try:
        mode: int | None = stat.S_IMODE(os.stat(like).st_mode)
    except OSError:
        mode = None
    file = open(
        path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o666 if mode is None else 0o600)
    )
    if mode is not None:
        with contextlib.suppress(OSError):  # a file system without modes
            os.fchmod(file.fileno(), mode)
    return file


def _write(descriptor: int, view: memoryview) -> None:
    while view:
        view = view[os.write(descriptor, view) :]

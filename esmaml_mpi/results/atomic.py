"""Files that are there whole or not at all, whatever ends the process."""

import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path


def replace_file(path: Path, *parts: bytes) -> None:
    """Make ``parts``, one after the other, the file at ``path``.

    Either all of it is there afterwards, or OSError is raised and the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with _new(temporary) as file:
            for part in parts:
                _write(file.fileno(), memoryview(part))
            os.fsync(file.fileno())
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


def write_through(path: Path, head: Callable[[], bytes], blocks: Iterable[memoryview], room: int) -> None:
    """Write a file of ``room`` bytes, which ``head`` gives once all is written, and then ``blocks``; flush it to disk.

    Raises OSError.
    """
    with _new(path) as file:
        _write(file.fileno(), memoryview(bytes(room)))
        for block in blocks:
            _write(file.fileno(), block)
        os.pwrite(file.fileno(), head(), 0)
        os.fsync(file.fileno())


def _new(path: Path) -> io.RawIOBase:
    """A new file of this name, whatever was there: a link is not followed."""
    path.unlink(missing_ok=True)
    return open(path, "xb", buffering=0)


def _write(descriptor: int, view: memoryview) -> None:
    while view:
        view = view[os.write(descriptor, view) :]

"""A regular file, opened once: whatever reads it reads the same bytes, and nothing else is opened for it.

HDF5 gets this object instead of a path. A FIFO, a device or a folder is refused before anything waits for it.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Any

from esmaml_mpi.results.positioned import Positioned


class NotRegular(OSError):
    """There is something else than a file."""


class RegularFile(Positioned):
    """The bytes of the file at ``path`` from ``start`` on. Raises OSError, NotRegular if it is no regular file."""

    def __init__(self, path: Path, start: int = 0) -> None:
        # Without O_NONBLOCK, opening a FIFO waits until somebody writes to it.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        self._start, self._at = start, 0
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            os.close(self._descriptor)
            raise NotRegular(errno.EINVAL, "is not a file", str(path))

    @property
    def size(self) -> int:  # type: ignore[override]  # of the file as it is now
        """Bytes from ``start`` to the end."""
        return max(os.fstat(self._descriptor).st_size - self._start, 0)

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Let go of the file."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next; returns how many bytes there were, 0 at the end."""
        found = self.read_at(self._at, memoryview(buffer).cast("B"))
        self._at += found
        return found

    def read_at(self, offset: int, view: memoryview) -> int:
        """Fill ``view`` with the bytes from ``offset`` on; returns how many there were."""
        found = 0
        while found < len(view):
            count = os.preadv(self._descriptor, [view[found:]], self._start + offset + found)
            if not count:
                break
            found += count
        return found


class FileForHDF5(RegularFile):
    """The same for HDF5, which reads blocks that reach beyond the end and does not look at how much was read."""

    def readinto(self, buffer: Any) -> int:
        """Fill the whole buffer; behind the end there are zeros."""
        view = memoryview(buffer).cast("B")
        found = super().readinto(view)
        view[found:] = bytes(len(view) - found)
        return len(view)

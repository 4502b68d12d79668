"""A file in memory that takes only what was written to it, in pages: HDF5 writes its structure here, and the places of
large arrays stay empty until the file goes to disk.
"""

from typing import Any

from esmaml_mpi.results.positioned import Positioned

PAGE = 4096


class SparseFile(Positioned):
    """Zeros wherever nothing was written."""

    def __init__(self) -> None:
        self.size, self._at = 0, 0
        self._pages: dict[int, bytearray] = {}

    def writable(self) -> bool:
        """Yes."""
        return True

    def truncate(self, size: int | None = None) -> int:
        """Make this the size."""
        self.size = self._at if size is None else size
        return self.size

    def write(self, data: Any) -> int:
        """Put ``data`` where the file stands."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            number, start = divmod(self._at + done, PAGE)
            count = min(PAGE - start, len(view) - done)
            page = self._pages.setdefault(number, bytearray(PAGE))
            page[start : start + count] = view[done : done + count]
            done += count
        self._at += done
        self.size = max(self.size, self._at)
        return done

    def readinto(self, buffer: Any) -> int:
        """Fill the whole buffer."""
        view = memoryview(buffer).cast("B")
        self.read_at(self._at, view)
        self._at += len(view)
        return len(view)

    def read_at(self, offset: int, view: memoryview) -> None:
        """Fill ``view`` with the bytes from ``offset`` on."""
        done = 0
        while done < len(view):
            number, start = divmod(offset + done, PAGE)
            count = min(PAGE - start, len(view) - done)
            page = self._pages.get(number)
            view[done : done + count] = bytes(count) if page is None else page[start : start + count]
            done += count

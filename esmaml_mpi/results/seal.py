"""The seal of a results file: 512 bytes behind the HDF5 data, with a checksum of them.

Our reader looks at it first: libhdf5 does not notice every damage, and some makes it crash. For HDF5 these bytes are a
part of the file in which there is nothing, so that programs that open the file to change it neither cut them off nor
write over them; a file that has only been looked at stays as it was. Up to format 2 the seal stood before the data, in
HDF5's "user block", where programs that tell a file by its first bytes (xarray) did not find HDF5.
"""

import hashlib
import re
from pathlib import Path

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.regular_file import FileForHDF5

SIZE = 512  # of a seal; before the data it was the smallest user block
FORMAT_VERSION = 3
IN_FRONT = 2  # the last version whose seal stands before the data
HDF5 = b"\x89HDF\r\n\x1a\n"
SESSION_KIND = "adaptation session"  # says of a sealed file that it is one of `esmaml adapt`, not a training run's
HEAD = 48  # bytes of an HDF5 file that ``reaching`` looks at
BLOCK = 2**20  # bytes that are read at once
_TEXT = f"esmaml_mpi results, format {FORMAT_VERSION}\nHDF5 before this, {{size}} bytes, sha256 {{digest}}\n"
_TEXT_IN_FRONT = f"esmaml_mpi results, format {IN_FRONT}\nHDF5 from byte 512 on, {{size}} bytes, sha256 {{digest}}\n"
_PATTERN = re.compile(rb"esmaml_mpi results, format (\d{1,9})\n")


class Damaged(ResultsError):
    """A file of ours that is not as it was written."""


class SealedFile(FileForHDF5):
    """A file of ours for HDF5, and the seal that it has, if it has one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        start = bytearray(len(HDF5))
        self.read_at(0, memoryview(start))
        self.in_front = start != HDF5
        if self.in_front:
            self._start = SIZE

    def seal(self) -> bytes:
        """The block that the file has now, which tells it from any other; empty if there is none."""
        if not self.in_front and self.size < SIZE:
            return b""
        block = bytearray(SIZE)
        found = bytes(block[: self.read_at(-SIZE if self.in_front else self.size - SIZE, memoryview(block))])
        return found if self.in_front or _PATTERN.match(found) else b""

    @property
    def data_size(self) -> int:
        """Bytes of HDF5 data."""
        return self.size if self.in_front else self.size - len(self.seal())

    def due_seal(self) -> bytes:
        """The block that a file with these data would have had when it was written."""
        digest, at, size, buffer = hashlib.sha256(), 0, self.data_size, memoryview(bytearray(BLOCK))
        while at < size and (count := self.read_at(at, buffer[: size - at])):
            digest.update(buffer[:count])
            at += count
        text = _TEXT_IN_FRONT if self.in_front else _TEXT
        return _block(text, at, digest.hexdigest())


def sealed(image: bytes) -> bytes:
    """The file of ours that has these HDF5 data."""
    image = reaching(image, len(image)) + image[HEAD:]
    return image + seal_of(len(image), hashlib.sha256(image).hexdigest())


def seal_of(size: int, digest: str) -> bytes:
    """The block of HDF5 data of ``size`` bytes with this SHA-256."""
    return _block(_TEXT, size, digest)


def reaching(image: bytes, size: int) -> bytes:
    """The first ``HEAD`` bytes of HDF5 data of ``size`` bytes which say that the file is as long as with a seal.

    HDF5's superblock of version 0, which is the one that h5py writes, has the address of the data at byte 24 and that
    of the file's end at byte 40. Others stay as they are: then a program that opens the file to change it cuts the
    seal off.
    """
    head = bytes(image[:HEAD])
    if len(head) < HEAD or head[: len(HDF5)] != HDF5 or head[8] or head[13] != 8:
        return head
    return head[:24] + bytes(8) + head[32:40] + (size + SIZE).to_bytes(8, "little")


def _block(text: str, size: int, digest: str) -> bytes:
    return text.format(size=size, digest=digest).encode().ljust(SIZE, b"\n")


def check_seal(file: SealedFile, name: str) -> None:
    """Raise ResultsError unless the file is one of ours; Damaged if it is not as it was written."""
    block = file.seal()
    kind = _PATTERN.match(block)
    if file.in_front and not block:
        raise Damaged(f"cannot read {name}: it is empty.")
    if file.in_front and not kind:
        raise ResultsError(
            f"cannot read {name}: it is not a results file of esmaml_mpi, or another program has rewritten it."
        )
    if kind and int(kind[1]) > FORMAT_VERSION:
        raise ResultsError(
            f"cannot read {name}: it has format version {int(kind[1])}, and this program reads up to "
            f"{FORMAT_VERSION}. Use a newer one."
        )
    if not kind or block != file.due_seal():
        how = "cut short, or changed since" if kind else "cut short, added to since, or not a results file at all"
        advice = ""
        if name.startswith("results file"):
            advice = " Use a copy, or the file before it (.previous), or train anew to another --output."
        raise Damaged(f"cannot read {name}: it is damaged, as it is not what was written ({how}).{advice}")

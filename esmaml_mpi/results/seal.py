"""The seal of a results file: 512 bytes in front of the HDF5 data, with a checksum of them.

HDF5 reserves such a block for whoever writes a file (its "user block") and skips it, so h5py and h5dump read the file
as any other. Our reader looks at it first: libhdf5 does not notice every damage, and some makes it crash.
"""

import hashlib
import re

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.regular_file import RegularFile

SIZE = 512  # the smallest user block
FORMAT_VERSION = 2
SESSION_KIND = "adaptation session"  # says of a sealed file that it is one of `esmaml adapt`, not a training run's
BLOCK = 2**20  # bytes that are read at once
_TEXT = "esmaml_mpi results, format {version}\nHDF5 from byte 512 on, {size} bytes, sha256 {digest}\n"
_PATTERN = re.compile(rb"esmaml_mpi results, format (\d{1,9})\n")


class Damaged(ResultsError):
    """A file of ours that is not as it was written."""


def seal(image: bytes) -> bytes:
    """The block to be put before an HDF5 file's bytes."""
    return seal_of(len(image), hashlib.sha256(image).hexdigest())


def seal_of(size: int, digest: str) -> bytes:
    """The block of an HDF5 file of ``size`` bytes with this SHA-256."""
    return _TEXT.format(version=FORMAT_VERSION, size=size, digest=digest).encode().ljust(SIZE, b"\n")


def sealed_by(file: RegularFile) -> bytes:
    """The block that a file has now, which tells it from any other. ``file`` begins behind the block."""
    block = bytearray(SIZE)
    return bytes(block[: file.read_at(-SIZE, memoryview(block))])


def due_seal(file: RegularFile) -> bytes:
    """The block that a file with these bytes would have had when it was written."""
    digest, at, buffer = hashlib.sha256(), 0, memoryview(bytearray(BLOCK))
    while count := file.read_at(at, buffer):
        digest.update(buffer[:count])
        at += count
    return seal_of(at, digest.hexdigest())


def check_seal(file: RegularFile, name: str) -> None:
    """Raise ResultsError unless the file, which begins behind its seal, is one of ours; Damaged if it has changed."""
    block = sealed_by(file)
    kind = _PATTERN.match(block)
    if not block:
        raise Damaged(f"cannot read {name}: it is empty.")
    if not kind:
        raise ResultsError(
            f"cannot read {name}: it is not a results file of esmaml_mpi, or another program has rewritten it."
        )
    if int(kind[1]) > FORMAT_VERSION:
        raise ResultsError(
            f"cannot read {name}: it has format version {int(kind[1])}, and this program reads up to "
            f"{FORMAT_VERSION}. Use a newer one."
        )
    if block != due_seal(file):
        advice = ""
        if name.startswith("results file"):
            advice = " Use a copy, or the file before it (.previous), or train anew to another --output."
        raise Damaged(
            f"cannot read {name}: it is damaged, as it is not what was written (cut short, or changed since).{advice}"
        )

"""The seal of a results file: 512 bytes in front of the HDF5 data, with a checksum of them.

HDF5 reserves such a block for whoever writes a file (its "user block") and skips it, so h5py and h5dump read the file
as any other. Our reader looks at it first: libhdf5 does not notice every damage, and some makes it crash.
"""

import hashlib
import re
from pathlib import Path

from esmaml_mpi.errors import ResultsError

SIZE = 512  # the smallest user block
FORMAT_VERSION = 2
SESSION_KIND = "adaptation session"  # says of a sealed file that it is one of `esmaml adapt`, not a training run's
_TEXT = "esmaml_mpi results, format {version}\nHDF5 from byte 512 on, {size} bytes, sha256 {digest}\n"
_PATTERN = re.compile(rb"esmaml_mpi results, format (\d{1,9})\n")


def seal(image: bytes) -> bytes:
    """The block to be put before an HDF5 file's bytes."""
    return _block(len(image), hashlib.sha256(image).hexdigest())


def check_seal(path: Path) -> None:
    """Raise ResultsError unless the file is one of ours and as it was written."""
    with open(path, "rb") as file:
        block = file.read(SIZE)
        kind = _PATTERN.match(block)
        if not block:
            raise ResultsError(f"cannot read results file {path}: it is empty.")
        if not kind:
            raise ResultsError(
                f"cannot read {path}: it is not a results file of esmaml_mpi, or another program has rewritten it."
            )
        if int(kind[1]) > FORMAT_VERSION:
            raise ResultsError(
                f"cannot read results file {path}: it has format version {int(kind[1])}, and this program reads up to "
                f"{FORMAT_VERSION}. Use a newer one."
            )
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if block != _block(file.tell() - SIZE, digest):
            raise ResultsError(
                f"cannot read results file {path}: it is damaged, as it is not what was written (cut short, or changed "
                "since). Use a copy of it, or train anew to another --output."
            )


def _block(size: int, digest: str) -> bytes:
    return _TEXT.format(version=FORMAT_VERSION, size=size, digest=digest).encode().ljust(SIZE, b"\n")

"""Opening a file of ours for reading, whoever has made it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from esmaml_mpi.errors import ResultsError, in_words
from esmaml_mpi.results.regular_file import NotRegular
from esmaml_mpi.results.seal import Damaged, SealedFile, check_seal


@contextmanager
def opened(path: Path, kind: str, sealed: bool = True) -> Iterator[tuple[h5py.File, int]]:
    """A file of ours as HDF5, and its size; ``sealed``: only if it is as it was written. What is raised inside becomes
    a ResultsError.
    """
    try:
        with SealedFile(path) as image:
            if sealed:
                check_seal(image, f"{kind} {path}")
            with h5py.File(image, "r") as file:
                yield file, image.size
    except ResultsError:
        raise
    except NotRegular:
        raise ResultsError(f"{kind} {path} is not a file.") from None
    except FileNotFoundError:
        raise ResultsError(f"{kind} {path} does not exist.") from None
    except OSError as error:
        why = error.strerror or in_words(error)
        raise (Damaged if error.errno == errno.EIO else ResultsError)(f"cannot read {kind} {path}: {why}.") from error
    except Exception as error:  # h5py raises almost anything on content that it did not expect
        raise ResultsError(f"cannot read {path}: it is not as a {kind} should be: {in_words(error)}.") from error

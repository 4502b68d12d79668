"""Whether a file may be replaced by one that a command makes: only if an earlier run of that command made it.

It is known by bytes that all files of its kind have near their beginning or end.
"""

import os
from pathlib import Path

from esmaml_mpi.errors import UsageError
from esmaml_mpi.results.regular_file import NotRegular, RegularFile

LOOK = 4096  # bytes at either end


def check_replaceable(path: Path, flag: str, *marks: bytes) -> None:
    """Raise UsageError, which names ``flag``, if there is something at ``path`` that has none of these marks."""
    if not os.path.lexists(path):
        return
    try:
        with RegularFile(path) as file:
            if not file.size:
                return
            ends = bytearray(LOOK), bytearray(LOOK)
            file.read_at(0, memoryview(ends[0]))
            file.read_at(max(file.size - LOOK, 0), memoryview(ends[1]))
    except NotRegular:
        raise UsageError(f"{flag}{path} is not a file; another name is wanted.") from None
    except FileNotFoundError:  # a link to nowhere
        return
    except OSError as error:
        raise UsageError(f"{flag}{path}: {error.strerror}.") from error
    if not any(mark in end for mark in marks for end in ends):
        raise UsageError(
            f"{flag}{path} exists, and it is not one that this command has made: remove it, or choose another name."
        )

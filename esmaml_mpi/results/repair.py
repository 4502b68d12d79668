"""A results file that is not as it was written: whether another program has changed it, or it is damaged.

Where its structure is sound, it can be looked at, and sealed again as it is. To go on from it, or to act with its
parameters, is its owner's to decide: a checksum cannot tell a number that somebody has changed from one that a disk
has.
"""

import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.atomic import put_in_place, target, write_through
from esmaml_mpi.results.generations import older, put_aside
from esmaml_mpi.results.lock import OutputLock
from esmaml_mpi.results.opening import opened
from esmaml_mpi.results.reader import Results, read, read_to_continue
from esmaml_mpi.results.seal import BLOCK, HEAD, Damaged, SealedFile, reaching, seal_of

SECONDS = 120.0  # after which looking at a damaged file counts as hung


def unsound(path: Path) -> str:
    """What is wrong with the structure of a file whose seal does not fit; empty if nothing is.

    Looked at in a process of its own: libhdf5 crashes on some damaged files.
    """
    command = [sys.executable, "-c", f"from {__name__} import look; look()", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    except subprocess.TimeoutExpired:
        return "reading it takes for ever"
    if done.returncode == 0:
        return ""
    return done.stdout.strip() or "HDF5 cannot read it"


def look() -> None:
    """The other process: print what is wrong with the file, and end with 1 if there is something."""
    try:
        read(sys.argv[1], sealed=False)
    except ResultsError as error:
        print(str(error))
        sys.exit(1)


def looked_at(path: str | PathLike, say: Callable[[str], None]) -> Results:
    """A results file for those who only look: one that another program has changed is read, and ``say`` told so.

    Raises ResultsError as ``read`` does; of a damaged file it says what can be done about it.
    """
    try:
        return read(path)
    except Damaged as error:
        if unsound(Path(path)):
            raise Damaged(f"{error} {_instead(Path(path))}") from error
    say(
        f"{path}: another program has changed this file since it was written, or a disk has. Its structure is sound, "
        "and it is read as it is. It cannot be continued or adapted until `esmaml info "
        f"{path} --repair` has accepted it. {_instead(Path(path))}"
    )
    return read(path, sealed=False)


def _instead(path: Path) -> str:
    """What there is in place of a file that is not as it was written, in a sentence."""
    for before in older(target(path)):
        with contextlib.suppress(ResultsError):
            results, earlier = read_to_continue(before)
            earlier.close()
            return f"{before} is good, iteration {results.checkpoint['iteration']}; --resume goes on from it."
    return "Use a copy of it, or train anew to another --output."


def repair(path: Path) -> str:
    """Seal a file again whose structure is sound, keeping the original beside it; says what was done.

    Raises ResultsError, nothing changed, where that is not so, and UsageError where a run writes the file.
    """
    with contextlib.suppress(Damaged):
        read(path)
        return f"{path}: there is nothing to repair"
    if reason := unsound(path):
        raise ResultsError(f"{path} cannot be repaired: {reason}")
    path = target(path)
    lock = OutputLock(path)
    lock.acquire()
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with SealedFile(path) as file:
            write_through(temporary, _blocks(file), path)
        with opened(temporary, "results file"):
            pass
        kept = put_aside(path, "changed")
        put_in_place(temporary, path)
    except OSError as error:
        raise ResultsError(f"cannot write {error.filename or path}: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
        lock.release()
    return f"{path}: sealed again as it is; the file as it was is {kept}"


def _blocks(file: SealedFile) -> Iterator[bytes]:
    """The data of a file, and a seal that fits them."""
    digest, at, size = hashlib.sha256(), 0, file.data_size
    buffer = memoryview(bytearray(BLOCK))
    while at < size and (count := file.read_at(at, buffer[: size - at])):
        block = bytes(buffer[:count])
        if at == 0:
            block = reaching(block, size) + block[HEAD:]
        digest.update(block)
        at += count
        yield block
    yield seal_of(at, digest.hexdigest())

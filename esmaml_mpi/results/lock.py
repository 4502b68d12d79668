"""One job per results file: the second one is refused.

A hidden file beside the results is locked with flock, which the system releases when the process ends however it ends,
so nothing stale is left by a kill. The results file itself stays unlocked: anyone may read it.
"""

import contextlib
import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.results.atomic import target

LOOK = 0.3  # seconds that a lock is waited for in any case: ``writer_of`` may hold it for an instant
PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a link or a FIFO in its place is no lock
UNSUPPORTED = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


class OutputLock:
    """Held from ``acquire`` to ``release``, or to the end of the process."""

    def __init__(self, results: Path):
        self.results = results
        self.path = results.with_name(f".{results.name}.lock")
        self._descriptor: int | None = None
        self._folder = (0, 0)

    def acquire(self, patience: float = 0.0) -> None:
        """Take the lock, waiting up to ``patience`` seconds for it; UsageError if another process has it."""
        deadline = time.monotonic() + max(patience, LOOK)
        while not self._try():
            if time.monotonic() >= deadline:
                holder = writer_of(self.results) or "another process"
                raise UsageError(
                    f"{self.results} is being written by {holder}. Wait for it, end it, or choose another --output."
                )
            time.sleep(0.1)

    def check(self) -> None:
        """Raise ResultsError unless the lock is still this process's, and the folder the one that it was.

        A lock file that somebody has tidied away is made anew.
        """
        if self._descriptor is None or self._still_there(self._descriptor):
            return
        reason = "its lock file was replaced"
        if not self._folder_stays():
            reason = f"the folder {self.path.parent} was moved or replaced"
        elif not os.path.lexists(self.path):
            lost, self._descriptor = self._descriptor, None
            taken = self._try()
            os.close(lost)
            if taken:
                return
            reason = "its lock file was removed, and another process has the lock"
        raise ResultsError(
            f"{self.results} is no longer this run's to write: {reason}. The run stops. Its results file is as it was "
            "last written, wherever that is now."
        )

    def release(self) -> None:
        """Give the lock back and remove its file."""
        if self._descriptor is not None:
            if self._still_there(self._descriptor):  # else it is another's
                self.path.unlink(missing_ok=True)  # before the lock is gone, so that nobody's new file is removed
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | PLAIN, 0o644)
        except OSError as error:
            raise ResultsError(f"cannot write results file {self.results}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            if error.errno not in UNSUPPORTED:
                raise ResultsError(f"cannot lock {self.path}: {error.strerror}") from error
            print(
                f"esmaml: this file system has no locks; see to it that no other job writes {self.results}", flush=True
            )
            self.path.unlink(missing_ok=True)
            return True
        if not self._still_there(descriptor):  # its holder removed it between our open and our lock
            os.close(descriptor)
            return self._try()
        with contextlib.suppress(OSError):  # for people alone; on a full disk, what is written next says so
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
        self._descriptor, self._folder = descriptor, _identity(os.stat(self.path.parent))
        return True

    def _still_there(self, descriptor: int) -> bool:
        try:
            return _identity(os.stat(self.path)) == _identity(os.fstat(descriptor))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _folder_stays(self) -> bool:
        try:
            return _identity(os.stat(self.path.parent)) == self._folder
        except (FileNotFoundError, NotADirectoryError):
            return False


def _identity(about: os.stat_result) -> tuple[int, int]:
    return about.st_dev, about.st_ino


def writer_of(results: Path) -> str | None:
    """Which process writes a results file, or None.

    Asked of the lock, not of the text beside it: that one outlives a kill, and its process number may be another's by
    now, or another machine's. The lock is shared for the look, so that looks do not get in each other's way.
    """
    results = target(results)
    try:
        descriptor = os.open(results.with_name(f".{results.name}.lock"), os.O_RDONLY | PLAIN)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 1000).decode(errors="replace").strip()
        return text or "another process"
    except OSError:  # a file system without locks: nobody can say
        return None
    finally:
        os.close(descriptor)
    return None

"""The study on disk: a file of JSON lines to which all processes append.

Optuna's own file backend waits for half a minute for the lock of a process that was killed, and cannot read a line that
it left half written. Here the system releases the lock with the process, and the next writer removes such a line.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from esmaml_mpi.errors import ResultsError


class Journal(BaseJournalBackend):
    """The log at ``path``. It is read as JSON, and nothing in it is run or unpickled.

    ResultsError where it cannot be written or a whole line is none of JSON's objects.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._starts = [0]  # where each line begins that has been seen, and the one after the last

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The lines from this number on; one that is still being written is not there yet."""
        number = min(log_number_from, len(self._starts) - 1)
        try:
            with open(self.path, "rb") as file:
                file.seek(self._starts[number])
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return
        except OSError as error:
            raise ResultsError(f"cannot read {self.path}: {error.strerror}.") from error
        for line in lines:
            if number + 1 == len(self._starts):
                self._starts.append(self._starts[-1] + len(line) + 1)
            number += 1
            if number > log_number_from:
                yield self._log(line, number)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append, as the only process that does."""
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        try:
            with open(self.path, "ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._drop_half_a_line(file.fileno())
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ResultsError(f"cannot write {self.path}: {error.strerror}.") from error

    def _drop_half_a_line(self, descriptor: int) -> None:
        """What a process that was killed left at the end."""
        size = end = os.fstat(descriptor).st_size
        while end and os.pread(descriptor, 1, end - 1) != b"\n":
            end -= 1
        if end < size:
            os.ftruncate(descriptor, end)

    def _log(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            log = json.loads(line)
        except ValueError:
            log = None
        if not isinstance(log, dict):
            raise ResultsError(f"{self.path}, line {number}, is not of a study: another program has written it.")
        return log

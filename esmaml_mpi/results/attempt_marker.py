"""What tells a requeued job that its results file is out of reach.

A job that writes to a disk of its own node and is started again on another finds no file there, and would begin again
from iteration 0. So, where the results file is on another file system than the folder that the job was submitted from,
which all nodes share, the first attempt leaves a word in that folder, and later ones of the same job look for it.
"""

import contextlib
import os
import socket
from pathlib import Path

from esmaml_mpi.errors import UsageError

MOST = 1000  # bytes that are read of a marker


class AttemptMarker:
    """The marker of results file ``path`` in ``folder``. Only jobs of Slurm have one."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.results, job = path, os.environ.get("SLURM_JOB_ID", "")
        self.path = folder / f".{path.name}.job-{job}" if job.isdigit() else None
        self._left = False

    def check(self) -> None:
        """Raise UsageError if an earlier attempt of this job has written the results file, which is not here."""
        if self.path is None:
            return
        try:
            with open(self.path, "rb") as file:
                where = file.read(MOST).decode(errors="replace").strip()
        except OSError:
            return
        raise UsageError(
            f"{self.results} is not here on {socket.gethostname()}, and an earlier attempt of this job has written it "
            f"on {where}: its disk is that node's own. Copy the file from there, or give --output a place that all "
            f"nodes share; to begin again from iteration 0, remove {self.path}."
        )

    def leave(self) -> None:
        """Say that the results file has been written, unless whoever sees the folder sees that file as well."""
        if self.path is None or self._left:
            return
        self._left = True
        with contextlib.suppress(OSError):  # a help, not a part of the results
            if os.stat(self.path.parent).st_dev != os.stat(self.results.parent).st_dev:
                self.path.write_text(socket.gethostname() + "\n")

    def remove(self) -> None:
        """The run is complete."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)

"""Rows that stand in a results file already: the next one is made from them and from those that are new.

They are copied from file to file in blocks, so that a run needs no more memory the longer it lasts.
"""

import os
from dataclasses import dataclass, field

import numpy as np

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.seal import SealedFile


@dataclass(frozen=True)
class Column:
    """The rows of a series: of which shape, and where they are: from byte ``offset`` of the file on; in memory, as
    ``rows``, where the file does not have them in one piece; or nowhere, as all of them are the ``default``.
    """

    row: tuple[int, ...]
    offset: int | None = None
    rows: np.ndarray | None = None
    default: float | None = None


@dataclass
class Earlier:
    """How many rows of each group a file has, and where. ``file`` None: there is no file."""

    file: SealedFile | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))
    columns: dict[tuple[str, str], Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seal = b"" if self.file is None else self.file.seal()
        self._changed = self._change()

    def check(self) -> None:
        """Raise ResultsError if another program has changed the file, which stays open, since it was written."""
        if self._change() == self._changed or self.file is None:
            return
        if self.file.seal() != self._seal or self.file.due_seal() != self._seal:
            raise ResultsError(
                "another program has changed the results file while this run was writing it, and what the run had "
                "written is no longer whole"
            )
        self._changed = self._change()

    def is_in(self, file: SealedFile) -> bool:
        """Whether this file is that one, or a copy of it."""
        return file.seal() == self._seal

    def iterations(self, group: str) -> np.ndarray:
        """The iteration of each row of a group."""
        count, column = self.counts[group], self.columns.get((group, "iteration"))
        if not count or column is None:
            return np.empty(0, dtype=np.int64)
        if column.rows is not None:
            return column.rows[:count]
        assert self.file is not None and column.offset is not None
        found = np.empty(count, dtype=np.int64)
        self.file.read_at(column.offset, found.data.cast("B"))
        return found

    def drop_from(self, iteration: int) -> None:
        """Forget rows of this iteration and later ones: those that a resumed run measures again.

        Ranks that were lost are not lost again: a successor of rank 0 records them before it resumes.
        """
        for group in GROUPS:
            if group != "recovery":
                self.counts[group] = int(np.count_nonzero(self.iterations(group) < iteration))

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()

    def _change(self) -> tuple[int, int] | None:
        if self.file is None:
            return None
        about = os.fstat(self.file.fileno())
        return about.st_size, about.st_mtime_ns

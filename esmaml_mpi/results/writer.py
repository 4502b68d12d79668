"""Writing a results file so that a kill at any instant leaves the previous one whole.

Every write makes a complete new file beside the old one, flushes it to disk, and renames it over the old one, which
stays as the run's previous generation.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.atomic import put_in_place, write_through
from esmaml_mpi.results.earlier import Earlier
from esmaml_mpi.results.generations import forget, keep_newest, put_aside
from esmaml_mpi.results.history import History
from esmaml_mpi.results.layout import Layout, Run
from esmaml_mpi.results.seal import SealedFile, seal_of


class ResultsWriter:
    """Writes one run's file, and keeps its last ``checkpoint.keep`` generations.

    ``earlier``: rows that the run has in its file already, where it goes on. ``replaces``: what is at ``path`` is
    another run's, and goes with its generations; ``damaged``: it is damaged, and is put aside. ``check`` is called
    before anything is changed, and raises a UserError if it must not be; ``written`` after each write.
    """

    def __init__(
        self,
        path: Path,
        run: Run,
        earlier: Earlier | None = None,
        *,
        replaces: bool = False,
        damaged: bool = False,
        check: Callable[[], None] = lambda: None,
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self.path, self.run, self.check, self.written = Path(path), run, check, written
        self._earlier = earlier or Earlier()
        self._replaces, self._damaged = replaces, damaged
        self._keep = run.config.checkpoint.keep
        self._written = earlier is not None and not damaged  # whether the newest file is what we go on from

    def write(self, history: History, checkpoint: dict) -> None:
        """Replace the file by one with this checkpoint, and with the rows of ``history`` behind those that it has.

        Raises ResultsError, the old file intact, if it cannot.
        """
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        try:
            self.check()
            self._check_own()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            layout = Layout(self.run, self._earlier, history, checkpoint)
            try:
                _write(temporary, layout, self.path)
                self.check()  # the disk may have been slow
                self._check_own()
                self._make_room()
                put_in_place(temporary, self.path)
            finally:
                temporary.unlink(missing_ok=True)
            written = Earlier(SealedFile(self.path), layout.counts, layout.columns)
        except OSError as error:
            self.check()  # a folder that was moved is the better reason
            kept = "the previous file is intact" if self.path.exists() else "no file was left"
            raise ResultsError(f"cannot write results file {self.path}: {error.strerror or error} ({kept})") from error
        if self._replaces:
            forget(self.path, 0)
        self._replaces = self._damaged = False
        self._written = True
        self._earlier.close()
        self._earlier = written
        self.written()

    def drop_from(self, iteration: int) -> None:
        """Leave the rows of this iteration and later ones out of what is written next."""
        self._earlier.drop_from(iteration)

    def _make_room(self) -> None:
        if self._damaged and self.path.exists():
            place = put_aside(self.path, "damaged")
            print(f"esmaml: {self.path} was damaged; what is left of it is kept as {place}", flush=True)
        elif not self._replaces:
            keep_newest(self.path, self._keep)

    def _check_own(self) -> None:
        """Raise ResultsError if what this run has written is no longer what it was."""
        try:
            self._earlier.check()
            if not self._written or not self.path.exists():
                return
            with SealedFile(self.path) as file:
                if self._earlier.is_in(file):
                    return
        except ResultsError as error:
            raise ResultsError(f"cannot write results file {self.path}: {error}.") from None
        raise ResultsError(
            f"cannot write results file {self.path}: another program has put a file of its own there while this run "
            "was writing it. It is left as it is."
        )


def _write(path: Path, layout: Layout, like: Path) -> None:
    digest = hashlib.sha256()

    def blocks() -> Iterator[memoryview | bytes]:
        for block in layout.blocks():
            digest.update(block)
            yield block
        yield seal_of(layout.size, digest.hexdigest())

    write_through(path, blocks(), like)

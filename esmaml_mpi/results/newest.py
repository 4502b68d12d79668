"""The newest good file of a run: its results file or, where that is damaged, the generation before."""

from dataclasses import dataclass
from pathlib import Path

from esmaml_mpi.results.earlier import Earlier
from esmaml_mpi.results.generations import older
from esmaml_mpi.results.reader import Results, read_to_continue
from esmaml_mpi.results.seal import Damaged


@dataclass(frozen=True)
class Newest:
    """A run without its history, where its rows are, and ``note``: in words, why it is not the results file's; else
    empty. ``damaged``: whether there is a results file all the same.
    """

    results: Results
    earlier: Earlier
    note: str = ""
    damaged: bool = False


def exists(path: Path) -> bool:
    """Whether there is a results file, or an older generation of it."""
    return path.exists() or bool(older(path))


def newest_good(path: Path) -> Newest:
    """The run at ``path``. Raises ResultsError if none of its files is good, or if the newest is not a run's."""
    try:
        return Newest(*read_to_continue(path))
    except Damaged as error:
        reason: Exception = error
    except Exception as error:
        if path.exists():
            raise
        reason = error
    for before in older(path):
        try:
            found = Newest(*read_to_continue(before))
        except Damaged:
            continue
        done = int(found.results.checkpoint["iteration"])
        why = f"{path} is {'damaged' if path.exists() else 'missing'}"
        note = f"{why}; the run goes on from {before}, iteration {done}"
        return Newest(found.results, found.earlier, note, path.exists())
    raise reason

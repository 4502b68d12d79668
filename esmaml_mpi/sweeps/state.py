"""How far a run of a sweep is, from its results file alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import UsageError, UserError
from esmaml_mpi.parallel.world import World
from esmaml_mpi.results.atomic import target
from esmaml_mpi.results.lock import writer_of
from esmaml_mpi.results.newest import exists, newest_good
from esmaml_mpi.results.reader import Results
from esmaml_mpi.training.loop import DONE, STOPPED
from esmaml_mpi.training.opening import check_resumable, output_of

MISSING, INCOMPLETE, COMPLETE, REFUSED = "missing", "incomplete", "complete", "refused"


@dataclass(frozen=True)
class State:
    """``kind`` is one of the above; ``iteration`` of the last checkpoint; ``reason`` why it is refused; ``writer`` the
    process that has the file.
    """

    kind: str
    iteration: int = 0
    total: int = 0
    reason: str = ""
    writer: str | None = None

    def __str__(self) -> str:
        text = self.kind
        if self.kind == INCOMPLETE or (self.writer and self.kind == MISSING):
            text = f"{'running' if self.writer else self.kind}, iteration {self.iteration} of {self.total}"
        return text + (f", by {self.writer}" if self.writer else "")


def state_of(path: Path, config: Config, resolved: bool = True) -> State:
    """The state of the run with this results file and this configuration; ``resolved``: whether that is."""
    path = target(path)
    total, writer = config.meta.iterations, writer_of(path)
    if not exists(path):
        return State(MISSING, 0, total, writer=writer)
    try:
        found = newest_good(path)
        found.earlier.close()
        results = found.results
        check_resumable(results, config, resolved)
    except UserError as error:
        return State(REFUSED, total=total, reason=str(error), writer=writer)
    kind = COMPLETE if is_complete(results, total) else INCOMPLETE
    return State(kind, int(results.checkpoint["iteration"]), total, writer=writer)


def say_state(world: World, source: Config | str, overrides: Iterable[str], output: str | None) -> int:
    """Print the state of the run that `esmaml train` would make of this; returns 0 if it is complete, else STOPPED.

    Raises UsageError where its file cannot be gone on with.
    """
    config = load(source, overrides, opened=False)
    path = output_of(config, output)
    state = state_of(path, config, resolved=False)
    if state.kind == REFUSED:
        raise UsageError(state.reason)
    if world.rank == 0:
        print(f"{path}: {state}", flush=True)
    return DONE if state.kind == COMPLETE else STOPPED


def is_complete(results: Results, total: int) -> bool:
    """Whether a run has made ``total`` iterations, and the test after the last of them."""
    return int(results.checkpoint["iteration"]) == total and results.history.latest("test", "iteration") == total

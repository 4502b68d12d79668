"""From a command's arguments to a run: read and check on rank 0, tell the other ranks, train."""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from esmaml_mpi.config.config import Config, changed_keys
from esmaml_mpi.config.foreign import foreign
from esmaml_mpi.config.loading import load
from esmaml_mpi.config.makers import make_policy
from esmaml_mpi.errors import ConfigError, ResultsError, ToldToLeave, UsageError, UserError
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.native import door
from esmaml_mpi.parallel.odd_ranks import odd_ranks
from esmaml_mpi.parallel.world import World
from esmaml_mpi.results.history import History
from esmaml_mpi.tasks import make_family
from esmaml_mpi.training.record import RunRecord
from esmaml_mpi.training.run import train

if TYPE_CHECKING:
    from esmaml_mpi.results.attempt_marker import AttemptMarker
    from esmaml_mpi.results.beside import Beside
    from esmaml_mpi.results.lock import OutputLock
    from esmaml_mpi.results.reader import Results


# Settings that change no number of an iteration, so a resumed run may have others.
FREE = (
    *("meta.iterations", "run.threads", "run.plan"),
    *("checkpoint.every", "checkpoint.minutes", "checkpoint.keep", "checkpoint.patience"),
)


def agree(world: World, prepare: Callable[[], str]) -> str:
    """Run ``prepare`` on rank 0 and give its text to every rank.

    If it raises a UserError, the others raise ToldToLeave.
    """
    text = b""
    length = np.zeros(1, dtype=np.int64)
    if world.rank == 0:
        try:
            text = prepare().encode()
            length[0] = len(text)
        except UserError as error:
            length[0] = -error.exit_code
            world.broadcast(length)
            error.known_to_all_ranks = True
            raise
    world.broadcast(length)
    if length[0] < 0:
        raise ToldToLeave(-int(length[0]))
    buffer = np.frombuffer(text, dtype=np.uint8).copy() if world.rank == 0 else np.empty(length[0], dtype=np.uint8)
    world.broadcast(buffer)
    return buffer.tobytes().decode()


def launch(
    world: World,
    source: Config | Mapping | str | PathLike,
    overrides: Iterable[str],
    output: str | PathLike | None,
    resume: bool,
    overwrite: bool,
) -> int:
    """The ``train`` command on every rank; returns the exit code."""
    record: RunRecord | None = None
    lock: list = []  # rank 0's
    here = Path.cwd()  # an environment of the user's may go elsewhere
    odd_in_ours, odd_with_libraries = odd_ranks(world)

    def prepare() -> str:
        nonlocal record
        from esmaml_mpi.results.attempt_marker import AttemptMarker
        from esmaml_mpi.results.provenance import collect  # rank 0's business: workers stay lean

        config = load(source, overrides).resolved()
        shown = output_of(config, output)
        path = here / shown
        theirs = foreign(config)
        odd = odd_with_libraries if theirs else odd_in_ours
        facts = collect(world, config.run.threads, len(odd), bool(theirs))
        # A job that Slurm has requeued may start while its predecessor's ranks are still ending, and what is left of a
        # job begin again.
        patience = 60.0 if world.lost or (resume and "SLURM_JOB_ID" in os.environ) else 0.0
        lock.append(_lock(path, resume or overwrite, patience, shown))
        marker = AttemptMarker(here, path)
        try:
            record = _open(path, config, facts, overwrite, lock[0], marker)
        except BaseException:
            lock[0].release()
            raise
        there = record.checkpoint is not None
        if odd:
            _warn_of(odd, world.size, theirs)
        if door.missing():
            print(f"esmaml: no compiled kernels, NumPy is several times slower: {door.missing()}", file=sys.stderr)
        told = {"config": config.to_dict(), "path": str(path), "shown": str(shown), "facts": facts, "exists": there}
        return json.dumps(told)

    def open_record(successor: bool, written: bool) -> RunRecord:
        nonlocal record
        if successor:
            from esmaml_mpi.results.attempt_marker import AttemptMarker
            from esmaml_mpi.results.newest import exists

            lock.append(_lock(path, may_exist=True, patience=60.0))  # file servers notice a death after a while
            if not exists(path) and (written or told["exists"]):
                raise ResultsError(
                    f"{path}, which rank 0 has written, is not there on {socket.gethostname()}, where its successor "
                    "runs: is it on a disk of another node? Give --output a place that all nodes share."
                )
            # The file is this launch's own if rank 0 lived to write it; else things are as they were at the start.
            record = _open(path, config, facts, overwrite and not written, lock[-1], AttemptMarker(here, path))
        assert record is not None  # rank 0's, or its successor's
        return record

    try:
        told = json.loads(agree(world, prepare))
        config, path, facts = Config.from_dict(told["config"]), Path(told["path"]), told["facts"]
        code = train(config, world, open_record)
    finally:
        if record is None or not getattr(record.store, "hangs", False):  # else it would hang here, too
            for held in lock:
                held.release()
    if world.rank == 0 and record is not None:
        if code == 0:
            from esmaml_mpi.results.attempt_marker import AttemptMarker

            AttemptMarker(here, path).remove()
        _report(told["shown"], record.history, config, code)
    return code


def output_of(config: Config, output: str | PathLike[str] | None) -> Path:
    """The results file of a run: the one that was asked for, or results/NAME.h5."""
    return Path(output or Path("results") / f"{config.run.name}.h5")


def _warn_of(odd: list[int], size: int, theirs: list[str]) -> None:
    """Say which ranks compute other bits than rank 0, and which keys leave that to libraries."""
    shown = ", ".join(map(str, odd[:8])) + (", ..." if len(odd) > 8 else "")
    reason = "Their libraries differ: give all ranks the same ones."
    if theirs:
        reason = (
            f"{', '.join(theirs)} leaves arithmetic to libraries, which do it in another way on another processor. "
            "Where it must be, ask for nodes of one kind (Slurm: --constraint)."
        )
    print(
        f"esmaml: {len(odd)} of {size} ranks ({shown}) compute other last bits than rank 0: the run is valid, but "
        f"cannot be repeated bit for bit. {reason}",
        file=sys.stderr,
        flush=True,
    )


def _lock(path: Path, may_exist: bool, patience: float = 0.0, shown: Path | None = None) -> "OutputLock":
    """The right to write a results file, which a message calls ``shown``."""
    from esmaml_mpi.results.generations import generation
    from esmaml_mpi.results.lock import OutputLock
    from esmaml_mpi.results.newest import exists

    lock = OutputLock(path)
    lock.acquire(patience)
    if exists(path) and not may_exist:  # looked at under the lock, as another job may have ended just now
        lock.release()
        there = shown or path
        raise UsageError(
            f"{there if path.exists() else generation(there, 1)} exists. Continue it with --resume, replace it with "
            "--overwrite, or choose another --output."
        )
    return lock


def _open(
    path: Path, config: Config, facts: dict, overwrite: bool, lock: "OutputLock", marker: "AttemptMarker"
) -> RunRecord:
    """The record of a new or continued run; raises a UserError before anything is changed if it must not be opened."""
    from esmaml_mpi.results.beside import Beside
    from esmaml_mpi.results.layout import Run
    from esmaml_mpi.results.newest import exists, newest_good
    from esmaml_mpi.results.provenance import DECISIVE
    from esmaml_mpi.results.repair import unsound
    from esmaml_mpi.results.writer import ResultsWriter

    def store(launches: list[dict], good: int | None, **more: Any) -> "Beside":
        run = Run(config.to_toml(), launches, list(config.test_tasks))
        writer = ResultsWriter(path, run, check=lock.check, written=marker.leave, **more)
        return Beside(writer, str(path), config.checkpoint.patience, good)

    if overwrite or not exists(path):
        if not overwrite:
            marker.check()
        return RunRecord(store([facts], None, replaces=overwrite), History(), None)
    found = newest_good(path)
    old = found.results
    check_resumable(old, config)
    if old.unknown_series:
        raise UsageError(
            f"cannot resume {path}: a newer version has written it, with series that this one would lose "
            f"({', '.join(old.unknown_series)}). Resume it with that version."
        )
    old.check_fits(make_policy(config, make_family(config.task.name, config.task.horizon, config.task.options)))
    for fact in DECISIVE:
        if fact == "cpu" and not foreign(config):  # the same bits on any
            continue
        if fact == "arithmetic" and fact not in old.launches[-1]:  # a file of an earlier version
            continue
        if old.launches[-1].get(fact) != facts.get(fact):
            print(
                f"esmaml: {fact} was {old.launches[-1].get(fact)!r} and is {facts.get(fact)!r}: the "
                "numbers may differ in their last bits",
                flush=True,
            )
    launches = [launch for launch in old.launches if launch.get("launch_id") != facts["launch_id"]]
    if found.note:
        changed = found.damaged and not unsound(path)
        why = f". {path} may only have been changed by another program: see `esmaml info {path}`" if changed else ""
        print(f"esmaml: {found.note}{why}", flush=True)
    kept = store([*launches, facts], int(old.checkpoint["iteration"]), earlier=found.earlier, damaged=found.damaged)
    return RunRecord(kept, old.history, old.checkpoint)


def check_resumable(old: "Results", config: Config) -> None:
    """Raise ConfigError unless the run of Results ``old`` may go on under ``config``."""
    changes = changed_keys(old.config, config)
    refused = [f"{key}: {values[0]!r} -> {values[1]!r}" for key, values in changes.items() if key not in FREE]
    if refused:
        raise ConfigError(f"cannot resume {old.path}: its configuration differs in {'; '.join(refused)}.")
    done = int(old.checkpoint["iteration"])
    if config.meta.iterations < done:
        raise ConfigError(
            f"cannot resume {old.path}: meta.iterations = {config.meta.iterations}, but {done} are done already."
        )


def _report(path: str, history: History, config: Config, code: int) -> None:
    if code:
        print(f"stopped by a signal; {path} holds everything so far, continue with --resume", flush=True)
        return
    before, after = (finite_mean(np.asarray(history.latest("test", name))) for name in ("before", "after"))
    print(
        f"{path}: {config.meta.iterations} iterations done, test reward {before:.2f} before and "
        f"{after:.2f} after adaptation",
        flush=True,
    )

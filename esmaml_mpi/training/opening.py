"""The results file of a run, opened for it: new, continued, or refused. Rank 0's business."""

import contextlib
import socket
from os import PathLike
from pathlib import Path
from typing import Any

from esmaml_mpi.config.config import Config, changed_keys, flat
from esmaml_mpi.config.foreign import foreign
from esmaml_mpi.config.makers import make_policy
from esmaml_mpi.errors import ConfigError, ResultsError, UsageError, UserError
from esmaml_mpi.meta.schedules import stretched
from esmaml_mpi.results.attempt_marker import AttemptMarker
from esmaml_mpi.results.beside import Beside
from esmaml_mpi.results.code import changes
from esmaml_mpi.results.generations import generation
from esmaml_mpi.results.history import History
from esmaml_mpi.results.layout import Run
from esmaml_mpi.results.lock import OutputLock
from esmaml_mpi.results.newest import exists, newest_good
from esmaml_mpi.results.provenance import DECISIVE
from esmaml_mpi.results.reader import Results
from esmaml_mpi.results.repair import unsound
from esmaml_mpi.results.writer import ResultsWriter
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.interface import interface_of
from esmaml_mpi.training.beginning import Source, beginning, check_same
from esmaml_mpi.training.record import RunRecord

# Settings that change no number of an iteration, so a resumed run may have others.
FREE = (
    "meta.iterations",
    "run.threads",
    "run.plan",
    "run.update",
    "run.frozen_after",
    "checkpoint.every",
    "checkpoint.minutes",
    "checkpoint.keep",
    "checkpoint.patience",
)


def output_of(config: Config, output: str | PathLike[str] | None) -> Path:
    """The results file of a run: the one that was asked for, or results/NAME.h5."""
    return Path(output or Path("results") / f"{config.run.name}.h5")


def locked(path: Path, may_exist: bool, patience: float = 0.0, shown: Path | None = None) -> OutputLock:
    """The right to write a results file, which a message calls ``shown``."""
    there = shown or path
    if path.is_dir():
        raise ResultsError(
            f"{there} is not a file but a folder. Name one in it, for example --output {there / 'run.h5'}."
        )
    lock = OutputLock(path)
    lock.acquire(patience)
    if exists(path) and not may_exist:  # looked at under the lock, as another job may have ended just now
        lock.release()
        raise UsageError(
            f"{there if path.exists() else generation(there, 1)} exists. Continue it with --resume, replace it with "
            "--overwrite, or choose another --output."
        )
    return lock


def check_reached(path: Path, written: bool) -> None:
    """Raise ResultsError if a file that rank 0 had ``written`` is not there for its successor."""
    if written and not exists(path):
        raise ResultsError(
            f"{path}, which rank 0 has written, is not there on {socket.gethostname()}, where its successor runs: is "
            "it on a disk of another node? Give --output a place that all nodes share."
        )


def opened(
    path: Path, config: Config, facts: dict, overwrite: bool, lock: OutputLock, here: str, start: Source | None = None
) -> RunRecord:
    """The record of a new or continued run; raises a UserError before anything is changed if it must not be opened.

    ``lock`` is looked at before every write; ``here``: the folder that the job was started in; ``start``: what a new
    run begins with, which is added to ``facts``.
    """
    family = make_family(config.task.name, config.task.horizon, config.task.options)
    marker = AttemptMarker(Path(here), path)

    def store(launches: list[dict], good: int | None, **more: Any) -> Beside:
        run = Run(config.to_toml(), launches, list(config.test_tasks), interface_of(family))
        writer = ResultsWriter(path, run, check=lock.check, written=marker.leave, **more)
        return Beside(writer, str(path), config.checkpoint.patience, good)

    if overwrite or not exists(path):
        if not overwrite:
            marker.check()
        begins = None if start is None else beginning(start, config, make_policy(config, family))
        facts.update({} if begins is None else begins.facts)
        return RunRecord(store([facts], None, replaces=overwrite), History(), None, beginning=begins)
    found = newest_good(path)
    old = found.results
    check_resumable(old, config)
    if start is not None:
        check_same(start, old.launches[0], path)
    if old.unknown_series:
        raise UsageError(
            f"cannot resume {path}: a newer version has written it, with series that this one would lose "
            f"({', '.join(old.unknown_series)}). Resume it with that version."
        )
    old.check_fits(make_policy(config, family))
    for fact in DECISIVE:
        if fact == "cpu" and not foreign(config):  # the same bits on any
            continue
        if fact == "arithmetic" and fact not in old.launches[-1]:  # a file of an earlier version
            continue
        was, now = old.launches[-1].get(fact), facts.get(fact)
        if was != now:
            print(
                f"esmaml: {fact} was {show(was)} and is {show(now)}: the numbers may differ in their last bits",
                flush=True,
            )
    for line in changes(old.launches[-1], facts):
        print(f"esmaml: {line}", flush=True)
    launches = [launch for launch in old.launches if launch.get("launch_id") != facts["launch_id"]]
    if found.note:
        changed = found.damaged and not unsound(path)
        why = f". {path} may only have been changed by another program: see `esmaml info {path}`" if changed else ""
        print(f"esmaml: {found.note}{why}", flush=True)
    kept = store([*launches, facts], int(old.checkpoint["iteration"]), earlier=found.earlier, damaged=found.damaged)
    return RunRecord(kept, old.history, old.checkpoint, found.earlier.counts["recovery"])


def check_resumable(old: Results, config: Config, resolved: bool = True) -> None:
    """Raise ConfigError unless the run of Results ``old`` may go on under ``config``. Of one that is not ``resolved``,
    as its family is not to be made, only what it says is compared.
    """
    before, said = old.config, flat(config.to_dict()).keys()
    if config.is_opened and not before.is_opened:
        with contextlib.suppress(UserError):  # whatever it names and the user does not is a difference
            before = Config.parsed(before.to_dict())
    differing = changed_keys(before, config)
    if not resolved:
        differing = {key: values for key, values in differing.items() if key in said}
    refused = [f"{key}: {values[0]!r} -> {values[1]!r}" for key, values in differing.items() if key not in FREE]
    if refused:
        raise ConfigError(f"cannot resume {old.path}: its configuration differs in {'; '.join(refused)}.")
    if "meta.iterations" in differing and (schedules := stretched(before.meta)):
        was, now = differing["meta.iterations"]
        raise ConfigError(
            f"cannot resume {old.path}: meta.iterations = {now}, and {' and '.join(schedules)} goes over the {was} "
            "that it was begun with. A schedule with iterations of its own lets a run grow."
        )
    done = int(old.checkpoint["iteration"])
    if config.meta.iterations < done:
        raise ConfigError(
            f"cannot resume {old.path}: meta.iterations = {config.meta.iterations}, but {done} are done already."
        )

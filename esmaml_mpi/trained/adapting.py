"""The ``adapt`` command from its options to its adapted policy: begin or reopen a session, try, tell."""

import argparse
import dataclasses
import math
import shlex
from pathlib import Path
from typing import Protocol

import numpy as np

from esmaml_mpi.config.config import changed_keys
from esmaml_mpi.errors import UsageError
from esmaml_mpi.results.session_file import ROBOT, SessionFile, SessionRecord
from esmaml_mpi.trained.from_file import MOST_TASK, check_tasks, chosen_iteration
from esmaml_mpi.trained.patience import Patience
from esmaml_mpi.trained.portable_policy import PortablePolicy
from esmaml_mpi.trained.prompt import Prompt, shown
from esmaml_mpi.trained.session import Session, begun
from esmaml_mpi.trained.trial_command import TrialCommand

LEFT = 75  # exit code: not done, and can go on


class Rewards(Protocol):
    """Where the rewards of trials come from."""

    def attempt(self, session: Session) -> bool:
        """Try one policy and tell its reward, or take one back; False to leave."""

    def finished(self, session: Session) -> None:
        """Called when nothing is left to be tried."""


def adapt(options: argparse.Namespace) -> int:
    """Drive the session of the ``adapt`` command; returns the exit code."""
    path, here = Path(options.session), Path.cwd()  # an environment of the user's may go elsewhere
    if options.results is None and not path.exists():
        raise UsageError(f"session {path} does not exist; name a RESULTS file to begin one.")
    if not path.name or path.is_dir():
        raise UsageError(f"--session {path}: the name of a file is wanted.")
    _check_command(options)
    with SessionFile(path) as file, Patience() as patience:
        record = _opened(file, options)
        session = Session(file, record)
        rewards = _rewards(session, options, patience)
        if not file.exists:  # not sooner: what is refused leaves nothing behind
            file.write(record)
            record.config.remember()
        if (options.undo or 0) > session.trials:
            raise UsageError(f"--undo {options.undo}: session {path} has {session.trials} rewards.")
        for _ in range(options.undo or 0):
            print(f"taken back: {shown(session.undo())}", flush=True)
        print(
            f"session {path}: {record.source} after {record.iteration} updates, {session.trials} of {session.total} "
            "trials told",
            flush=True,
        )
        if record.task == ROBOT and not session.trials and session.noise_advice:
            print(f"if rewards are noisy: {session.noise_advice}", flush=True)
        try:
            _drive(session, rewards, patience, options.trials)
        except KeyboardInterrupt:  # whatever was told is in the file
            pass
        return _end(session, rewards, here)


def _check_command(options: argparse.Namespace) -> None:
    """Raise UsageError where --command, --limit and --task do not go together."""
    if options.limit is not None and not (0 < options.limit < math.inf):
        raise UsageError(f"--limit {options.limit:g}: seconds above 0 are wanted.")
    if options.limit is not None and options.command is None:
        raise UsageError(f"--limit {options.limit:g}: it is for --command, which is not given.")
    if options.command is not None and options.task is not None:
        raise UsageError(f"--task {options.task}: a simulated task has no --command; one of them is wanted.")


def _rewards(session: Session, options: argparse.Namespace, patience: Patience) -> Rewards:
    """What the options choose."""
    record, tried = session.record, _beside(session.path, "try")
    if record.task == ROBOT:
        PortablePolicy.of(session.policy, record.theta, session.observer)  # refuses what no trial could be written of
        if options.command is not None:
            return TrialCommand(options.command, options.limit, tried, patience)
        return Prompt(tried, patience)
    if options.command is not None:
        raise UsageError(f"--command: session {session.path} has rewards of task {record.task}; choose another one.")
    # Not sooner: a robot's computer need not have what these load.
    from esmaml_mpi.config.experiment import Experiment
    from esmaml_mpi.reproducibility.randomness import Phase
    from esmaml_mpi.trained.simulated import Simulated

    config = dataclasses.replace(record.config, run=dataclasses.replace(record.config.run, seed=record.seed))
    return Simulated(
        Experiment(config.resolved(training=False), Phase.EVALUATE, [record.task], 1, training=False), session
    )


def _drive(session: Session, rewards: Rewards, patience: Patience, most: int | None) -> None:
    """Try and tell until the end, ``most`` trials, a signal, or the wish to leave."""
    last = session.trials + most if most else None
    while not session.done and session.trials != last and not patience.requested:
        if not rewards.attempt(session):
            return


def _end(session: Session, rewards: Rewards, here: Path) -> int:
    if session.trials and session.record.task == ROBOT:
        print(session.confidence, flush=True)
    if session.done:
        adapted = _written(session, "adapted", here)
        rewards.finished(session)
        print(f"done after {session.trials} trials; adapted policy: {adapted}", flush=True)
        return 0
    print(f"left after {session.trials} of {session.total} trials", flush=True)
    if session.trials:
        print(f"best policy so far: {_written(session, 'best', here)}", flush=True)
    print(f"to go on: esmaml adapt --session {shlex.quote(str(session.path))}", flush=True)
    return LEFT


def _written(session: Session, what: str, here: Path) -> str:
    """Write the best policy beside the session; where it is, or, of a simulated task, why no file can hold it."""
    path = _beside(session.path, what)
    if session.record.task != ROBOT:
        try:
            PortablePolicy.of(session.policy, session.record.theta, session.observer)
        except UsageError as error:
            return f"not written, {error}"
    session.write_best(here / path)
    return str(path)


def _opened(file: SessionFile, options: argparse.Namespace) -> SessionRecord:
    """The session of an existing file, or a new one, which is not in the file yet."""
    if not file.exists:
        return _begun(options)
    record = file.read()
    if options.trust:
        record.trusted(file.path)
    if options.results is not None:
        _check_same(file.path, record, _begun(options), options)
        return record
    for flag, value in (("--at", options.at), ("--set", options.set), ("--seed", options.seed)):
        if value not in (None, []):
            raise UsageError(f"{flag}: session {file.path} goes on as it was begun; choose another --session.")
    _check_task(file.path, record, options.task)
    return record


def _begun(options: argparse.Namespace) -> SessionRecord:
    """The session that the options ask for, without rewards."""
    at, task = chosen_iteration(options.at or "last"), ROBOT if options.task is None else options.task
    record = begun(options.results, at, options.set, options.seed or 0, task, options.trust)
    if options.task is not None:
        if not 0 <= options.task <= MOST_TASK:
            raise UsageError(f"--task {options.task}: an id from 0 to {MOST_TASK} is wanted.")
        check_tasks(f"--task {options.task}", [options.task], record.config)
    return record


def _check_same(path: Path, record: SessionRecord, asked: SessionRecord, options: argparse.Namespace) -> None:
    """Raise UsageError if an existing session was begun from something else than what is asked for now."""
    differences = [f"{key}: {old} -> {new}" for key, (old, new) in changed_keys(record.config, asked.config).items()]
    if record.iteration != asked.iteration:
        differences.append(f"iteration: {record.iteration} -> {asked.iteration}")
    elif any(not np.array_equal(getattr(record, name), getattr(asked, name)) for name in ("theta", "mean", "std")):
        differences.append("other parameters")
    if options.seed is not None and record.seed != asked.seed:
        differences.append(f"--seed: {record.seed} -> {asked.seed}")
    if differences:
        raise UsageError(
            f"session {path} was begun otherwise ({'; '.join(differences)}). Leave out RESULTS and its options to go "
            "on with it, or choose another --session."
        )
    _check_task(path, record, options.task)


def _check_task(path: Path, record: SessionRecord, task: int | None) -> None:
    if task is not None and task != record.task:
        has = "a robot's rewards" if record.task == ROBOT else f"rewards of task {record.task}"
        raise UsageError(f"--task {task}: session {path} has {has}; choose another --session.")


def _beside(path: Path, what: str) -> Path:
    """run.session.h5 -> run.session.try.npz"""
    return path.with_name(f"{path.stem}.{what}.npz")

"""An adaptation session from its file to its adapted policy: begin or reopen it, try, tell, save."""

import argparse
import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.config.config import changed_keys
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.makers import make_operator
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.results.session_file import ROBOT, SessionFile, SessionRecord
from esmaml_mpi.trained.from_file import MOST_TASK, check_tasks, find_trained
from esmaml_mpi.trained.policy_file import write_policy
from esmaml_mpi.trained.trial_rewards import Patience, Simulated, Typed

Rewards = Typed | Simulated

LEFT = 75  # exit code: not done, and can go on


def adapt(options: argparse.Namespace) -> int:
    """Drive the session of the ``adapt`` command; returns the exit code."""
    path = Path(options.session)
    if options.results is None and not path.exists():
        raise UsageError(f"session {path} does not exist; name a RESULTS file to begin one.")
    if not path.name or path.is_dir():
        raise UsageError(f"--session {path}: the name of a file is wanted.")
    with SessionFile(path) as file, Patience() as patience:
        record = _opened(file, options)
        at, task = Round(Phase.EVALUATE, record.iteration), max(record.task, 0)
        config = dataclasses.replace(record.config, run=dataclasses.replace(record.config.run, seed=record.seed))
        experiment = Experiment(config, Phase.EVALUATE, [task], 1)
        _check_fits(record, experiment, path)
        observer = Observer(record.mean, record.std)
        session = Adaptation(
            make_operator(config),
            record.theta,
            record.seed,
            record.rewards,
            sampler=experiment.sampler,
            subspace=record.subspace,
            at=at,
            task=task,
        )
        if not file.exists:  # not sooner: what is refused leaves nothing behind
            file.write(record)
        print(
            f"session {path}: {record.source} after {record.iteration} updates, {session.trials} of {session.total} "
            "trials told",
            flush=True,
        )
        rewards: Rewards
        if record.task == ROBOT:
            rewards = Typed(experiment, observer, _beside(path, "try"), patience)
        else:
            rewards = Simulated(experiment, record.theta, observer, at)
        try:
            _drive(session, rewards, file, record, patience, options.trials)
        except KeyboardInterrupt:  # whatever was told is in the file
            pass
        return _end(session, rewards, path, lambda to: write_policy(to, experiment.policy, session.best, observer))


def _drive(
    session: Adaptation,
    rewards: Rewards,
    file: SessionFile,
    record: SessionRecord,
    patience: Patience,
    most: int | None,
) -> None:
    """Try and tell until the end, ``most`` trials, a signal, or the wish to leave."""
    last = session.trials + most if most else None
    while not session.done and session.trials != last and not patience.requested:
        if not rewards.attempt(session):
            return
        record.rewards = session.rewards
        file.write(record)


def _end(session: Adaptation, rewards: Rewards, path: Path, write: Callable[[Path], None]) -> int:
    if session.done:
        adapted = _beside(path, "adapted")
        write(adapted)
        rewards.finished(session)
        print(f"done after {session.trials} trials; adapted policy: {adapted}", flush=True)
        return 0
    print(f"left after {session.trials} of {session.total} trials", flush=True)
    if session.trials:
        best = _beside(path, "best")
        write(best)
        print(f"best policy so far: {best}", flush=True)
    print(f"to go on: esmaml adapt --session {shlex.quote(str(path))}", flush=True)
    return LEFT


def _opened(file: SessionFile, options: argparse.Namespace) -> SessionRecord:
    """The session of an existing file, or a new one, which is not in the file yet."""
    if not file.exists:
        return _begun(options)
    record = file.read()
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
    seed = options.seed or 0
    trained = find_trained(options.results, options.at or "last", options.set, seed)
    if options.task is not None:
        if not 0 <= options.task <= MOST_TASK:
            raise UsageError(f"--task {options.task}: an id from 0 to {MOST_TASK} is wanted.")
        check_tasks(f"--task {options.task}", [options.task], trained.config)
    return SessionRecord(
        trained.config,
        trained.theta,
        trained.observer.mean,
        trained.observer.std,
        seed,
        str(options.results),
        trained.iteration,
        ROBOT if options.task is None else options.task,
        subspace=trained.subspace,
    )


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


def _check_fits(record: SessionRecord, experiment: Experiment, path: Path) -> None:
    policy = experiment.policy
    if (len(record.theta), len(record.mean)) != (policy.size, policy.observation_size):
        raise ResultsError(
            f"session {path} has a policy of {len(record.theta)} parameters for {len(record.mean)} observations, and "
            f"{record.config.task.name} now makes policies of {policy.size} parameters for {policy.observation_size} "
            "observations: the task family has changed since."
        )
    if len(record.rewards) > experiment.evaluator.operator.rollouts:
        raise ResultsError(f"session {path} has {len(record.rewards)} rewards, more than its adaptation takes.")


def _beside(path: Path, what: str) -> Path:
    """run.session.h5 -> run.session.try.npz"""
    return path.with_name(f"{path.stem}.{what}.npz")

"""A session of 20 trials, killed at every point at which anything reaches the disk, and at random times."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.results import atomic, lock

SETTINGS = {
    "task": {"horizon": 5},
    "policy": {"hidden": []},
    "adaptation": {"operator": "hill_climbing", "scheme": "batch", "evaluations": 4, "queries": 4, "sigma": 0.3},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"repeats": 1},
}
TRIALS = 20
TYPO = 1000.0


def trials(results, path, told=lambda: None):
    """The script: begin or go on, with a typing error now and then; ends when the session is done."""
    make = esmaml_mpi.Session.open if path.exists() else esmaml_mpi.Session.create
    with make(path, *([] if path.exists() else [results])) as session:
        if session.trials and session.history[-1].reward == TYPO:  # killed before it was taken back
            session.undo()
        while not session.done:
            session.write_trial(path.with_suffix(".try.npz"))
            if session.trials in (3, 11) and not session.note_under_way:
                session.tell(TYPO)
                session.undo()
                session.note("typed again")
            session.tell(float(np.sin(9.0 * session.ask()).sum() + session.trials % 3))
            told()
        session.write_best(path.with_suffix(".adapted.npz"))


def in_child(work):
    """Run ``work`` in a process of its own; how it ended."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killing(points):
    """Make every call that touches the disk two points; the process is killed when it has passed ``points``."""
    passed = 0

    def point():
        nonlocal passed
        passed += 1
        if passed > points:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(function):
        def call(*arguments, **options):
            point()
            value = function(*arguments, **options)
            point()
            return value

        return call

    class System:
        """``os`` with points."""

        def __getattr__(self, name):
            found = getattr(os, name)
            return watched(found) if name in ("open", "fsync", "replace", "ftruncate", "write", "close") else found

    atomic.os = lock.os = System()
    atomic.open = watched(open)


def states(folder):
    """What is to be the same in the end: rewards, notes, the policy."""
    with esmaml_mpi.Session.open(folder / "a.h5") as session:
        history, best = session.history, session.best
    return history, best.tobytes(), (folder / "a.adapted.npz").read_bytes()


def killed_and_resumed(results, folder, kill):
    """Run the script so that ``kill`` ends it, then again to its end. Whether it was killed."""
    path = folder / "a.h5"
    code = in_child(lambda: (kill(), trials(results, path)))
    assert code in (0, -signal.SIGKILL)
    told = 0
    if path.exists():
        with esmaml_mpi.Session.open(path) as session:  # whole, whatever happened
            told = sum(trial.reward != TYPO for trial in session.history)
    done = 0

    def count():
        nonlocal done
        done += 1

    trials(results, path, count)
    assert done == TRIALS - told  # nothing is done twice but the trial under way
    return code != 0


def check_points(results, tmp_path, whole, first, step):
    """Kill at points ``first``, ``first`` + ``step``, ... until the script is through; how many there were."""
    point = first
    while True:
        folder = tmp_path / str(point)
        folder.mkdir()
        if not killed_and_resumed(results, folder, lambda at=point: killing(at)):
            return point
        assert states(folder) == whole, point
        assert {file.name for file in folder.iterdir()} <= {"a.h5", "a.try.npz", "a.adapted.npz", ".a.try.npz.tmp"}
        point += step


def check_times(results, tmp_path, whole, count):
    """Kill at ``count`` random times; how often that was before the end."""
    random.seed(7)
    path, start = tmp_path / "timed.h5", time.monotonic()
    trials(results, path)
    seconds = time.monotonic() - start
    killed = 0
    for number in range(count):
        folder = tmp_path / str(number)
        folder.mkdir()
        delay = random.uniform(0.0, seconds)

        def kill(delay=delay):
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            signal.setitimer(signal.ITIMER_REAL, delay)

        killed += killed_and_resumed(results, folder, kill)
        assert states(folder) == whole
    return killed


def main(folder, check, *numbers):
    """Carry out one of the checks, beside the end of an undisturbed session; prints what it gives."""
    results, undisturbed, killed = folder / "run.h5", folder / "whole", folder / "killed"
    undisturbed.mkdir()
    killed.mkdir()
    esmaml_mpi.train(SETTINGS, output=results)
    trials(results, undisturbed / "a.h5")
    print(globals()[check](results, killed, states(undisturbed), *map(int, numbers)))


def outcome(folder, *call):
    """What ``main`` prints in a process without threads, as it forks."""
    command = [sys.executable, __file__, str(folder), *map(str, call)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_killed_at_some_points(tmp_path):
    assert HillClimbing(queries=4, scheme="batch", evaluations=4).rollouts == TRIALS
    assert outcome(tmp_path, "check_points", 5, 101) > 20 * TRIALS


@pytest.mark.slow
@pytest.mark.campaign
def test_killed_at_every_point(tmp_path):
    assert outcome(tmp_path, "check_points", 0, 1) > 20 * TRIALS


@pytest.mark.slow
@pytest.mark.campaign
def test_killed_at_random_times(tmp_path):
    assert outcome(tmp_path, "check_times", 60) > 20


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

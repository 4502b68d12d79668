"""Adapt to a robot that is a program of its own: 50 trials over its standard input and output, kept in a session.

    python adapt_robot.py quadruped.h5 robot.h5 --body mass_voltage --seed 1

It needs NumPy and h5py here, and whatever the robot needs there. End it as you like, by a power cut too: the same
command goes on with the trial that was under way, and so it does where the robot has ended or said something else than
a reward. It waits for an answer as long as that takes: `esmaml adapt --command --limit` has a limit.
"""

import argparse
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from esmaml_mpi import Session
from esmaml_mpi.errors import UsageError
from esmaml_mpi.trained.answers import answer


def adapt(session, robot, policy_file):
    """Try what the session asks for, and tell it what the robot answers, until it is done."""
    while not session.done:
        session.write_trial(policy_file)
        with suppress(BrokenPipeError):  # it has ended, and there is no line to be read
            os.write(robot.stdin.fileno(), os.fsencode(f"{policy_file}\n"))
        line = robot.stdout.readline()
        try:
            tell(session, line)
        except UsageError as error:
            sys.exit(f"trial {session.trials + 1}: {error} Nothing was told; the same command tries it again.")
        print(f"trial {session.trials} of {session.total}: {line.strip()}", flush=True)
    policy_file.unlink(missing_ok=True)


def tell(session, line):
    """Tell a session what a robot has answered. UsageError if that is no answer."""
    if not line.endswith("\n"):  # half a reward is another number
        raise UsageError("the robot has ended.")
    told = answer(line, loose=False)
    if told.kind not in ("reward", "skip"):
        raise UsageError(f"{line.strip()!r}: a reward is wanted, or skip.")
    session.tell(told.value, told.text)


def opened(path, results, seed):
    """The session of a file, begun if there is none."""
    if not path.exists():
        return Session.create(path, results, seed=seed or 0)
    session = Session.open(path)
    source, begun = Path(session.record.source).name, session.record.seed
    if source != Path(results).name or seed not in (None, begun):
        sys.exit(f"{path} was begun with {source} and --seed {begun}; choose another session.")
    return session


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("session", type=Path)
    parser.add_argument("--body", default="nominal")
    parser.add_argument("--seed", type=int, help="of the directions, and of the robot's noise (default: 0)")
    options = parser.parse_args()
    path = options.session
    with opened(path, options.results, options.seed) as session:
        # Started at another trial it has other noise: a real robot does not repeat it either.
        seed = str(1000 * session.record.seed + session.trials)
        command = [sys.executable, Path(__file__).with_name("robot_process.py"), "--body", options.body, "--seed", seed]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, errors="replace") as robot:
            adapt(session, robot, path.with_suffix(".try.npz"))
            robot.stdin.close()
        session.write_best(path.with_suffix(".adapted.npz"))
        print(session.confidence)

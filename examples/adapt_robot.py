"""Adapt to a robot that is a program of its own: 50 trials over its standard input and output, kept in a session.

    python adapt_robot.py quadruped.h5 robot.h5 --body mass_voltage --seed 1

It needs NumPy and h5py here, and whatever the robot needs there. End it as you like, by a power cut too: the same
command goes on with the trial that was under way.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from esmaml_mpi import Session
from esmaml_mpi.trained.answers import answer


def adapt(session, robot, policy_file):
    """Try what the session asks for, and tell it what the robot answers, until it is done."""
    while not session.done:
        session.write_trial(policy_file)
        robot.stdin.write(f"{policy_file}\n")
        robot.stdin.flush()
        line = robot.stdout.readline()
        if not line:
            sys.exit("the robot has ended; start it again and go on")
        told = answer(line)
        session.tell(told.value, told.text)
        print(f"trial {session.trials} of {session.total}: {line.strip()}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("session", type=Path)
    parser.add_argument("--body", default="nominal")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    path = options.session
    opened = Session.open(path) if path.exists() else Session.create(path, options.results, seed=options.seed)
    with opened as session:
        # Another noise after each start: a real robot does not repeat it either.
        seed = str(1000 * options.seed + session.trials)
        command = [sys.executable, Path(__file__).with_name("robot_process.py"), "--body", options.body, "--seed", seed]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as robot:
            adapt(session, robot, path.with_suffix(".try.npz"))
            robot.stdin.close()
        session.write_best(path.with_suffix(".adapted.npz"))
        print(session.confidence)

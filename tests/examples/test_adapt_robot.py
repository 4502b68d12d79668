"""The script that adapts to a robot of the user's: what is no reward is told to nobody, and the session goes on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import FOUR_TRIALS

import esmaml_mpi

ROOT = Path(__file__).parents[2]
ROBOT = """
import sys
sys.stdout.reconfigure(errors="surrogateescape")
for number, line in enumerate(sys.stdin):
    print(ANSWERS[number], flush=True, end="")
    if not ANSWERS[number].endswith("\\n"):
        break
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("robot") / "run.h5"
    esmaml_mpi.train(FOUR_TRIALS, output=path)
    return path


@pytest.fixture
def adapt(results, tmp_path):
    """Runs the script beside a robot that gives these answers; exit code, output, and rewards that were told."""
    script, session = tmp_path / "adapt_robot.py", tmp_path / "a.h5"
    shutil.copy(ROOT / "examples" / script.name, script)

    def run(answers, *options, results=results):
        (tmp_path / "robot_process.py").write_text(f"ANSWERS = {answers}\n{ROBOT}")
        call = [sys.executable, script, results, session, *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=60, cwd=tmp_path)
        with esmaml_mpi.Session.open(session) as told:
            return done.returncode, done.stdout + done.stderr, [trial.reward for trial in told.history]

    return run


@pytest.mark.parametrize("said, why", [
    ("2 motors online\n", "the number alone is wanted"), ("quit\n", "'quit': a reward is wanted, or skip"),
    ("undo\n", "'undo': a reward is wanted"), ("note slipped\n", "a reward is wanted"), ("\n", "a number is wanted"),
    ("Failed to open the port\n", "a number is wanted"), ("\udcff 2\n", "a number is wanted"),
    ("4", "the robot has ended"), ("", "the robot has ended"),
])  # fmt: skip
def test_what_is_no_reward_is_not_told_and_the_trial_is_tried_again(adapt, tmp_path, said, why):
    code, output, told = adapt(["1.5\n", said])
    assert code == 1 and "trial 2: " in output and why in output and "Traceback" not in output, output
    assert told == [1.5]
    code, output, told = adapt(["2\n", "skip # fell\n", "3\n"])
    assert code == 0 and told == [1.5, 2.0, float("-inf"), 3.0], output
    assert (tmp_path / "a.adapted.npz").exists() and not (tmp_path / "a.try.npz").exists()


def test_another_robots_session_is_not_gone_on_with(adapt, results):
    assert adapt(["1\n", ""])[2] == [1.0]
    for options, name in ((["--seed", "7"], results), ([], results.with_name("other.h5"))):
        code, output, told = adapt(["2\n"] * 3, *options, results=name)
        assert code == 1 and "was begun with run.h5 and --seed 0" in output and told == [1.0]

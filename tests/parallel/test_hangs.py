"""Evaluations that never return."""

import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest
from files import differences
from mpirun import FAULT_TOLERANCE, SMALL, can_survive, launcher, run, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

SETTINGS = {
    **SMALL,
    "task.name": "hanging",
    "policy.hidden": [],
    "policy.output_gain": 0.1,
    "meta.iterations": 2,
    "test.every": 0,
    "run.unit_timeout": 0.2,
}


def command(how: str, output: Path) -> list[str]:
    """Training on the hanging family."""
    return [
        sys.executable,
        str(Path(__file__).with_name("hanging_task.py")),
        how,
        *train_arguments(SETTINGS, output)[3:],
    ]


def test_a_hanging_evaluation_fails_and_the_others_count(tmp_path):
    alone, ranks = tmp_path / "alone.h5", tmp_path / "ranks.h5"
    one, three = run(command("sleep", alone)), run(command("sleep", ranks), 3)
    assert one.returncode == 0 and three.returncode == 0, one.stdout + one.stderr + three.stdout + three.stderr
    assert differences(alone, ranks) == []
    with h5py.File(alone) as file:
        failed, rollouts = file["train/failed_units"][()], file["train/rollouts"][()]
    assert 0 < failed.sum() < 12
    assert rollouts[0] == (19 - failed[0]) * 4 * (6 + 1 + 1)  # what hangs is not counted as done
    assert (
        "not done after 0.2 s, in hanging_task.py, line " in one.stdout
        and "tasks [0, 1, 2, 3] with parameters [[2.0, 2.0]" in one.stdout
    )


@pytest.mark.parametrize("options", [(), FAULT_TOLERANCE])
def test_compiled_code_that_hangs_ends_the_job_and_says_where(tmp_path, options):
    if options and not can_survive():
        pytest.skip("this mpirun has no --with-ft ulfm")
    began = time.monotonic()
    done = run([*launcher(), *options, "-n", "3", *command("block", tmp_path / "block.h5")])
    assert done.returncode not in (0, 75)
    assert time.monotonic() - began < 60
    assert "hang_in_compiled_code" in done.stderr


def test_threads_cannot_be_interrupted(tmp_path):
    done = run([*command("sleep", tmp_path / "x.h5"), "--set", "run.threads=2"])
    assert done.returncode == 2
    assert "run.unit_timeout = 0.2: needs run.threads = 1" in done.stderr


HANGS = """
import time
import gymnasium, numpy as np

class Hangs(gymnasium.Env):
    observation_space = action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        return np.zeros(1), {}

    def step(self, action):
        time.sleep(60)
"""


@pytest.mark.parametrize("limit, code", [(0.1, 2), (0.0, None)])
def test_an_environment_that_hangs_is_said_before_training(tmp_path, limit, code):
    """With a time limit it is given up; without one a remark says that it may hang."""
    (tmp_path / "hanging_environment.py").write_text(HANGS)
    program = (
        "from esmaml_mpi.commands.main import main; from esmaml_mpi.config import consistency; "
        "consistency.PATIENCE = 0.5; raise SystemExit(main(["
        "'config', '--check', '--set', 'task.name=gymnasium', '--set', 'task.horizon=9', '--set', "
        f"'task.options.environment=hanging_environment:Hangs', '--set', 'run.unit_timeout={limit}']))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    if code is None:
        assert "'gymnasium' is being made and tried, for 0.5 s now" in process.stderr.readline()
        process.kill()
        process.communicate()
    else:
        error = process.communicate(timeout=60)[1]
        assert process.returncode == code and "it hangs in hanging_environment.py, line 12 (run.unit_timeout)" in error

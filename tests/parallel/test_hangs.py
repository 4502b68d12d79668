"""Evaluations that never return."""

import sys
import time
from pathlib import Path

import h5py
import pytest
from files import differences
from mpirun import FAULT_TOLERANCE, SMALL, can_survive, launcher, run, train_arguments

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
    assert "not done after 0.2 s" in one.stdout and "tasks [0, 1, 2, 3] with parameters [[2.0, 2.0]" in one.stdout


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

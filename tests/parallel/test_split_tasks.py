"""Trajectories of one task on several ranks."""

import sys
from pathlib import Path

import h5py
import pytest
from files import differences
from mpirun import FAULT_TOLERANCE, can_survive, run, start, train_arguments
from test_same_numbers import GRADIENTS

pytestmark = pytest.mark.slow  # ranks of their own

SETTINGS = {**GRADIENTS, "task.batch_size": 1, "meta.iterations": 1, "meta.conjugate_gradients": 2, "test.every": 0}


def test_a_rank_that_dies_within_an_iteration_changes_no_number(tmp_path):
    """Three ranks and one task; the survivors sample the lost trajectories again, and the iteration goes on."""
    if not can_survive():
        pytest.skip("this mpirun has no fault tolerance (--with-ft ulfm)")
    straight, output = tmp_path / "straight.h5", tmp_path / "died.h5"
    done = run(train_arguments(SETTINGS, straight))
    assert done.returncode == 0, done.stderr
    script = str(Path(__file__).with_name("dies_in_a_round.py"))
    arguments = train_arguments(SETTINGS, output)[3:]
    job = start([sys.executable, script, "1", "9", *arguments], 3, *FAULT_TOLERANCE)
    printed, _ = job.communicate(timeout=180)
    assert job.returncode == 0 and "no evaluation to do" not in printed, printed
    assert differences(straight, output) == []
    with h5py.File(output) as file:
        assert file["recovery/ranks_lost"][()].tolist() == [1] and file["recovery/iteration"][()].tolist() == [0]

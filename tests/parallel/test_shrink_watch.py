"""A rank that is frozen while MPI leaves out a dead one: given up, or waited for."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from mpirun import FAULT_TOLERANCE, can_survive, start

pytestmark = pytest.mark.slow  # ranks of their own
SCRIPT = str(Path(__file__).with_name("freezes_in_a_shrink.py"))


def job(limit: float):
    if not can_survive():
        pytest.skip("this mpirun cannot survive a rank's death (Open MPI 5 can)")
    return start([sys.executable, SCRIPT, str(limit)], 4, *FAULT_TOLERANCE)


def test_is_given_up():
    done = job(2.0)
    said, _ = done.communicate(timeout=120)
    assert done.returncode == 0, said
    assert "is stopped while MPI leaves out the dead, for 2 s: it is given up, and killed." in said
    assert said.count("sum 2") == 2  # the two that are left


def test_is_waited_for_without_a_limit():
    done = job(0.0)
    line = done.stdout.readline()
    while "stopped" not in line:
        assert line, "the job ended"
        line = done.stdout.readline()
    time.sleep(1.0)
    os.kill(int(line.split()[-1]), signal.SIGCONT)
    said, _ = done.communicate(timeout=120)
    assert done.returncode == 0, said
    assert said.count("sum 3") == 3

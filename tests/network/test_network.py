"""Nodes on a network of their own, in short: run.py does the work, and says why where there can be none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # a minute on two idle cores

LONGEST = 600  # seconds


def test_runs_over_three_nodes_survive_or_resume_with_the_same_bits():
    command = [sys.executable, str(Path(__file__).with_name("run.py")), "--short"]
    if not Path(sys.prefix, "bin", "mpirun").exists():
        pytest.skip("the environment has no Open MPI of its own")
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        output, _ = job.communicate(timeout=LONGEST)
    finally:
        if job.poll() is None:  # it removes the nodes that it has made
            os.killpg(job.pid, signal.SIGTERM)
            job.wait(timeout=60)
    print(output)
    if job.returncode == 77:
        pytest.skip(output.strip().splitlines()[-1])
    assert job.returncode == 0

"""The job scripts on a real Slurm: run.sh does the work, and says why where there can be no Slurm.

Only where asked for with ESMAML_TEST_SLURM=1, as it installs system packages.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LONGEST = 3600  # seconds; it takes about three minutes on two idle cores


def _environment():
    """Use the running environment if it can start MPI; run.sh makes one otherwise."""
    mine = Path(sys.prefix)
    usable = all((mine / "bin" / name).exists() for name in ("esmaml", "mpirun"))
    return {**os.environ, "ESMAML_VENV": str(mine)} if usable else dict(os.environ)


def test_job_scripts_on_a_real_slurm():
    if os.environ.get("ESMAML_TEST_SLURM") != "1":
        pytest.skip("ESMAML_TEST_SLURM=1 runs it: it installs Slurm's packages and takes three minutes")
    command = ["bash", str(Path(__file__).with_name("run.sh"))]
    job = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment(), start_new_session=True
    )
    try:
        output, _ = job.communicate(timeout=LONGEST)
    finally:
        if job.poll() is None:  # its EXIT trap stops the Slurm it started
            os.killpg(job.pid, signal.SIGTERM)
            job.wait(timeout=120)
    print(output)
    if job.returncode == 77:
        pytest.skip(output.strip().splitlines()[-1])
    assert job.returncode == 0

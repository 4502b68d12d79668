"""How soon mpirun finds that a node is silent: alike in job scripts and sweeps, and what the user has set stays."""

import os
import subprocess
from pathlib import Path

from esmaml_mpi.sweeps.local import KEEPALIVE

SCRIPT = Path(__file__).parents[2] / "jobs" / "keepalive.sh"


def exported(**own: str) -> dict[str, str]:
    """What mpirun sees after the script."""
    environment = {"PATH": os.environ["PATH"], **own}
    said = subprocess.run(
        ["bash", "-euc", f". {SCRIPT}; env"], env=environment, capture_output=True, text=True, check=True
    )
    pairs = dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)
    return {name: value for name, value in pairs.items() if name.startswith("PRTE_MCA")}


def test_job_scripts_and_sweeps_agree():
    assert exported() == KEEPALIVE


def test_what_the_user_has_set_stays():
    assert exported(PRTE_MCA_oob_tcp_keepalive_time="60") == {**KEEPALIVE, "PRTE_MCA_oob_tcp_keepalive_time": "60"}

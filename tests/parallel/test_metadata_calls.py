"""How often a worker asks the file system at its start: 301 of them may ask one file server."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mpirun import run, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

# Calls with a path. Of an installed package 1,181 were counted, before folders were listed once 3,289; the editable
# installation's own finder adds to them.
MOST = 1500
PAPER = {"task.horizon": 100, "policy.hidden": [32], "adaptation.queries": 20, "meta.iterations": 1}
SMALLER = {"meta.perturbations": 4, "meta.current_evaluations": 2}
# Ranks of a launcher's: rank 1 is counted.
WRAPPER = """#!/bin/sh
[ "$OMPI_COMM_WORLD_RANK" = 1 ] || exec "$@"
exec strace -f -e trace=%file -o "$COUNTS" "$@"
"""


def tracing() -> str:
    """Why calls cannot be counted here; empty if they can be."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True)
    return "strace may not trace here: " + done.stderr.strip() if done.returncode else ""


def calls(report: str) -> int:
    """Calls that strace has seen, but those on files that are open: newer C libraries give these an empty path."""
    lines = [line.partition(" ")[2] for line in report.splitlines()]
    return sum("(" in line and "AT_EMPTY_PATH" not in line and line.strip()[0] not in "<+-" for line in lines)


def test_a_worker_asks_the_file_system_little(tmp_path):
    if reason := tracing():
        pytest.skip(reason)
    wrapper, counts = tmp_path / "counted", tmp_path / "counts"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    # As in job scripts; `python -m` would have each import look at the folder it is started in.
    program, arguments = (
        Path(sys.executable).with_name("esmaml"),
        train_arguments({**PAPER, **SMALLER}, tmp_path / "run.h5", "--overwrite"),
    )
    command = [str(wrapper), str(program), *arguments[3:]]
    # The first launch compiles what has not been compiled yet.
    kept = {"PYTHONDONTWRITEBYTECODE": "", "COVERAGE_PROCESS_CONFIG": "", "COUNTS": str(counts)}
    for _ in range(2):
        done = run(command, 2, **kept)
        if "strace" in done.stderr and not counts.exists():
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr
    found = calls(counts.read_text())
    assert found <= MOST, f"{found} calls, most {MOST}"
    assert found > 300, "the worker was not traced"

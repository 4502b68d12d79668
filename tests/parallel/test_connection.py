"""Launchers that do not fit the MPI library, or find none: one process says so, in one line."""

import os
import subprocess
import sys

import pytest

import esmaml_mpi

PROGRAM = """
import sys
if sys.argv[1] == "without":
    sys.modules["mpi4py"] = None
sys.argv[1:] = ["train", "/dev/null", "--output", "run.h5"]
from esmaml_mpi.commands.main import main
sys.exit(main())
"""


def started(tmp_path, what, **environment):
    names = ("OMPI_", "PMI", "MV2_", "SLURM_", "ESMAML_IGNORE")
    own = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, what],
        cwd=tmp_path,
        env={**own, "PYTHONPATH": os.path.dirname(os.path.dirname(esmaml_mpi.__file__))} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("what", "environment", "words"),
    [
        ("with", {"PMI_SIZE": "4"}, "PMI_SIZE=4"),
        ("without", {"PMI_SIZE": "2"}, "mpi4py cannot be used"),
    ],
)
def test_the_first_process_says_why_and_the_others_end_quietly(tmp_path, what, environment, words):
    first = started(tmp_path, what, PMI_RANK="0", **environment)
    assert first.returncode == 1 and words in first.stderr and first.stderr.count("\n") == 1
    assert first.stderr.startswith("esmaml: ")
    other = started(tmp_path, what, PMI_RANK="1", **environment)
    assert other.returncode == 1 and other.stderr == "" and not (tmp_path / "run.h5").exists()


def test_output_that_cannot_be_written_is_a_line(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "esmaml_mpi", "tasks", "four_corners"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "esmaml: standard output cannot be written: No space left on device.\n"

"""A run survives that nobody takes what it prints: a reader that left, a full disk, no standard output at all."""

import os
import subprocess
import sys

import pytest

import esmaml_mpi

SMALL = [
    "policy.hidden=[]",
    "task.horizon=5",
    "meta.iterations=30",
    "meta.perturbations=2",
    "meta.current_evaluations=1",
    "test.repeats=1",
]


def _broken_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    "name, output",
    [
        ("Broken pipe", _broken_pipe),
        ("No space left on device", lambda: os.open("/dev/full", os.O_WRONLY)),
        ("", None),
    ],
)
def test_a_run_goes_on_when_its_output_is_lost(tmp_path, name, output):
    (tmp_path / "run.toml").write_text("")
    command = [sys.executable, "-m", "esmaml_mpi", "train", "run.toml", "--output", "run.h5"]
    command += [word for setting in SMALL for word in ("--set", setting)]
    if output is None:
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    given = output() if output else None
    done = subprocess.run(command, cwd=tmp_path, stdout=given, stderr=subprocess.PIPE, text=True, timeout=60)
    if given:
        os.close(given)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("what is printed cannot be written") == bool(name) and name in done.stderr
    assert esmaml_mpi.read_results(tmp_path / "run.h5").checkpoint["iteration"] == 30

"""What a job script takes from the user's own jobs/site.sh, and what ends the job."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def job(tmp_path):
    """jobs/plot.slurm in a folder of its own, with what a site file says: exit code, output."""
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs", ignore=shutil.ignore_patterns("site.sh"))
    program = tmp_path / "venv" / "bin" / "esmaml"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/bash\necho "esmaml $* with $FLAVOUR"\n')
    program.chmod(0o755)

    def run(text: str | None, place: str = "jobs/site.sh", **environment: str) -> tuple[int, str]:
        if text is not None:
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).write_text(text)
        own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SLURM_SUBMIT_DIR": str(tmp_path)}
        done = subprocess.run(
            ["bash", tmp_path / "jobs" / "plot.slurm", "run.h5"],
            env=own | {"ESMAML_VENV": str(tmp_path / "venv")} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    return run


def test_the_first_of_three_places_counts(job, tmp_path):
    (tmp_path / "given.sh").write_text("export FLAVOUR=given\n")
    assert job("export FLAVOUR=home\n", ".config/esmaml/site.sh") == (0, "esmaml plot run run.h5 with home\n")
    assert job("export FLAVOUR=own\n")[1].endswith("with own\n")
    assert job(None, ESMAML_SITE=str(tmp_path / "given.sh"))[1].endswith("with given\n")
    code, output = job(None, ESMAML_SITE="/nowhere/site.sh")
    assert code == 2 and "/nowhere/site.sh: there is no such file" in output


def test_a_module_that_cannot_be_loaded_ends_the_job(job):
    code, output = job("module() { echo no such module >&2; return 3; }\nmodule load openmpi\nexport FLAVOUR=none\n")
    assert code == 2 and "esmaml plot" not in output
    assert "jobs/site.sh, line 2: a command has failed with exit code 3, and the job ends" in output


def test_an_activation_script_may_read_what_is_not_set_and_fail_on_the_way(job):
    text = 'activate() { false; _OLD="$PS1"; PS1="(x) $PS1"; true; }\nactivate\n[ -n "$PS9" ] && x=1\n'
    text += "export FLAVOUR=plain\n"
    assert job(text) == (0, "esmaml plot run run.h5 with plain\n")


def test_without_a_file_the_defaults_of_the_example_hold(job):
    code, output = job(None, FLAVOUR="default")
    assert (code, output) == (0, "esmaml plot run run.h5 with default\n")
    code, output = job(None, ESMAML_VENV="/nowhere")
    assert code == 2 and "No esmaml in /nowhere" in output and "a copy of site.example.sh" in output


def test_a_script_that_finds_no_jobs_folder_ends(tmp_path):
    done = subprocess.run(
        ["bash", ROOT / "jobs" / "plot.slurm", "x"], env={"SLURM_SUBMIT_DIR": str(tmp_path)}, capture_output=True
    )
    assert done.returncode != 0 and b"batch.sh" in done.stderr

"""Ranks that have loaded another program, or other libraries, than rank 0 are named, with host and both versions."""

import shutil
import socket
import sys
from pathlib import Path

import pytest
from mpirun import SMALL, start, train_arguments

import esmaml_mpi
from esmaml_mpi.parallel.installations import sources

PACKAGE = Path(esmaml_mpi.__file__).parent


@pytest.fixture
def other(tmp_path):
    """A copy of the program."""
    shutil.copytree(PACKAGE, tmp_path / "other" / "esmaml_mpi", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "other" / "esmaml_mpi"


def changed(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def mixed(tmp_path, *environment):
    """Exit code and output of a job of three ranks, the last two of which are started in this environment."""
    command = train_arguments({**SMALL, "meta.iterations": 1}, tmp_path / "mixed.h5", "--overwrite")
    elsewhere = ["env", "-C", str(tmp_path), *environment]  # not where a checkout would be found first
    job = start([*command, ":", "-n", "2", *elsewhere, *command], 1)
    said = job.communicate(timeout=120)[0]
    return job.returncode, said


@pytest.mark.slow
def test_another_program_is_an_error(tmp_path, other):
    changed(other / "__init__.py", '__version__ = "', '__version__ = "7.')
    changed(other / "meta" / "optimizers.py", "self.step_size * gradient", "2 * self.step_size * gradient")
    code, said = mixed(tmp_path, f"PYTHONPATH={other.parent}")
    version, host = esmaml_mpi.__version__, socket.gethostname()
    assert code == 1 and said.count("esmaml: rank 1 on") == 1 and "Traceback" not in said
    assert f"rank 1 on {host} has esmaml_mpi 7.{version} (rank 0: {version}), its sources " in said
    assert f"folder {other} (rank 0: {PACKAGE})" in said and f"rank 2 on {host}" in said
    assert not (tmp_path / "mixed.h5").exists()


@pytest.mark.slow
def test_other_libraries_are_a_word(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import numpy\nnumpy.__version__ = '0.5'\n")
    path = ":".join([str(tmp_path), *filter(None, sys.path)])
    code, said = mixed(tmp_path, f"PYTHONPATH={path}")
    assert code == 0 and said.count("has NumPy 0.5 (rank 0: ") == 2
    assert "the numbers may differ in their last bits" in said


@pytest.mark.slow
def test_the_same_program_elsewhere_is_nothing_to_speak_of(tmp_path, other):
    code, said = mixed(tmp_path, f"PYTHONPATH={other.parent}")
    assert code == 0 and "rank 1" not in said
    changed(other / "__init__.py", '__version__ = "', '__version__ = "7.')
    code, said = mixed(tmp_path, f"PYTHONPATH={other.parent}")
    assert code == 0 and "rank 1 on" in said and "has esmaml_mpi 7." in said  # its bits cannot differ


def test_only_files_that_decide_numbers_count(other):
    assert sources(other) == sources() and len(sources()) == 12
    changed(other / "reports" / "text.py", '"""', '"""More: ')
    assert sources(other) == sources()
    changed(other / "estimators" / "rewards.py", "EQUAL = 1e-12", "EQUAL = 1e-11")
    assert sources(other) != sources()

"""The public interface is small, there, and documented; its types are mypy's business (tests/public_types.py)."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

import esmaml_mpi

LIBRARY = (Path(__file__).parents[1] / "docs" / "library.md").read_text()


@pytest.mark.parametrize("name", esmaml_mpi.__all__)
def test_names_are_there_and_documented(name):
    assert getattr(esmaml_mpi, name).__doc__
    assert f"| `{name}" in LIBRARY


def test_it_is_small_typed_and_free_of_numpy_until_used():
    assert len(esmaml_mpi.__all__) < 10
    assert files(esmaml_mpi).joinpath("py.typed").is_file()
    code = "import sys, esmaml_mpi; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        esmaml_mpi.nothing  # noqa: B018

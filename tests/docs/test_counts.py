"""Numbers in the documentation that follow from the code: how many runs an experiment has, how fast a file grows."""

import re
from pathlib import Path

import pytest

from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.sweeps.plan import Sweep

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TEXTS = [path.read_text() for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))]
ARRAYS = [found for text in TEXTS for found in re.findall(r"--array=0-(\d+) .*sweep\.slurm (configs/\w+\.toml)", text)]
TABLE = (DOCS / "experiments.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \| (\d*) ?\| (\d*) ?\| [\d.]* ?\|$", TABLE, re.MULTILINE)


@pytest.mark.parametrize("last, file", ARRAYS)
def test_a_job_array_has_every_run(last, file):
    assert int(last) == len(Sweep(ROOT / file)) - 1


@pytest.mark.parametrize("name, paper, medium, small", ROWS)
def test_the_table_of_experiments_counts_their_runs(name, paper, medium, small):
    path = ROOT / "configs" / f"{name}.toml"
    for size, number in (("paper", paper), ("medium", medium), ("small", small)):
        assert not number or int(number) == len(Sweep(path, size)), size


def test_the_documentation_has_such_numbers():
    assert len(ARRAYS) > 1 and len(ROWS) > 10


def test_an_iteration_takes_as_many_bytes_as_is_said():
    (besides,) = re.findall(r"grows by 8 \(E \+ (\d+)\) bytes an iteration", (DOCS / "failures.md").read_text())
    each = [GROUPS[group] for group in ("train", "timing")]
    assert int(besides) == sum(map(len, each)) - 1  # all but `values`, which has E

"""The examples do what the documentation says of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = "meta.iterations=2 meta.perturbations=4 meta.current_evaluations=1 test.repeats=1"


def test_train_adapt_plot(tmp_path):
    picture = tmp_path / "picture.png"
    small = [sys.executable, "-P", ROOT / "tests/docs/small.py", "python"]
    environment = {**os.environ, "SMALL": SMALL, "PYTHONPATH": str(ROOT)}
    call = [*small, ROOT / "examples/train_adapt_plot.py", picture]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.search(r"task 1000: reward -[\d.]+ before, -[\d.]+ after 21 trials", done.stdout)
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize("name", ["ferry.py", "ferry.toml"])
def test_the_tutorial_has_the_examples_as_they_are(name):
    assert (ROOT / "examples" / name).read_text() in (ROOT / "docs/tutorial_own_problem.md").read_text()

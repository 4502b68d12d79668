"""benchmarks/rollouts.py at a tiny size: every column measures what it can, after all agree on what they compute."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def table(*options):
    """Cells of the rows, by policy and case."""
    command = [sys.executable, ROOT / "benchmarks" / "rollouts.py", "--rounds", "1", "--seconds", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    return head, {(line[:9].strip(), line[9:23].strip()): line[23:].replace(" (", "(").split() for line in lines}


def test_another_tree_stands_beside_this_one():
    head, rows = table("--without", "jax", "plain", "kernels", "--beside", ROOT, "--cases", "84", "unit", "cartpole 84")
    assert "ours" in head and "beside: " in head
    assert len(rows) == 6 and all(len(cells) == 2 and "-" not in cells for cells in rows.values())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="no JAX to compare with")
def test_all_columns():
    head, rows = table("--cases", "84", "unit")
    assert "JAX float64" in head and "JAX float32" in head and "plain loop" in head and "numpy" in head
    *_, double, single, plain = rows["width 32", "84"]
    assert double.endswith("(1x)") and "x)" in single and "x)" in plain
    assert rows["linear", "unit"][-3:-1] == ["-", "-"]

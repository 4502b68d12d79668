"""ES-MAML in one file: short, without the package, and with the package's numbers bit for bit."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi

FILE = Path(__file__).parents[2] / "examples" / "es_maml_in_one_file.py"
ITERATIONS = 5
# Everything else is as the package has it, and the paper.
SETTINGS = {
    "policy": {"hidden": [8], "output": "identity"},
    "meta": {"iterations": ITERATIONS, "perturbations": 20, "current_evaluations": 20},
    "test": {"every": 1},
}


@pytest.fixture(scope="module")
def one_file():
    """The file as a module."""
    specification = importlib.util.spec_from_file_location(FILE.stem, FILE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _same_bits(ours, theirs) -> bool:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    return ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_numbers_are_those_of_the_package(one_file, seed):
    history = esmaml_mpi.train(SETTINGS, [f"run.seed={seed}"]).history
    package = {
        "theta": history["parameters"]["value"],
        **{name: history["normalization"][name] for name in ("mean", "std", "count")},
        **{name: history["test"][name] for name in ("before", "after")},
        "values": history["train"]["values"],
    }
    rows = list(one_file.es_maml(seed, ITERATIONS))
    assert len(rows) == len(package["theta"]) == ITERATIONS + 1
    assert len(np.unique(package["theta"], axis=0)) > ITERATIONS  # every iteration made a step
    for i, row in enumerate(rows):
        assert row.keys() == package.keys()
        for name, series in package.items():
            if i < len(series):  # there are no evaluations after the last update
                assert _same_bits(row[name], series[i].ravel() if series[i].ndim else series[i]), (name, i)
    assert len(package["values"]) == ITERATIONS


def test_it_can_be_read_in_one_sitting():
    assert len(FILE.read_text().splitlines()) <= 150


def test_it_imports_numpy_alone():
    nodes = list(ast.walk(ast.parse(FILE.read_text())))
    assert not [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= {"numpy", *sys.stdlib_module_names}
    assert not {"importlib", "runpy", "subprocess"} & names
    assert not [node for node in nodes if isinstance(node, ast.Name) and node.id in ("__import__", "exec", "eval")]


@pytest.mark.slow
@pytest.mark.slow
def test_it_prints_a_table_that_shows_learning(tmp_path):
    done = subprocess.run([sys.executable, FILE], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["iteration", "value", "of", "theta", "test", "before", "test", "after"]
    table = np.array([row.split() for row in rows], dtype=float)
    assert table[:, 0].tolist() == list(range(0, 101, 10))
    assert table[-3:, 3].mean() > table[0, 3] + 50  # adapted reward


def test_the_walk_through_it_has_its_lines():
    page = (FILE.parents[1] / "docs" / "algorithms.md").read_text()
    rows = re.findall(r"^\| (\d+)-(\d+) \| ([`\w, ]*) \|", page, re.MULTILINE)
    functions = {node.name: node for node in ast.parse(FILE.read_text()).body if isinstance(node, ast.FunctionDef)}
    told = {}
    for first, last, names in rows:
        inside = [functions[name] for name in re.findall(r"`(\w+)`", names)]
        told |= {function.name: function for function in inside}
        if inside:
            assert (int(first), int(last)) == (inside[0].lineno, inside[-1].end_lineno), names
    assert told == functions

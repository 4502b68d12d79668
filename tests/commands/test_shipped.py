"""Where the folders are that come with the program, in a checkout and in an installed wheel."""

import ast
from pathlib import Path

import pytest

from esmaml_mpi.commands import init, shipped
from esmaml_mpi.errors import UserError

ROOT = Path(__file__).parents[2]


def test_a_checkout_has_them_beside_the_package():
    for name in ("analysis", "configs", "jobs", "examples"):
        assert shipped.folder(name) == ROOT / name


def test_a_wheel_has_them_in_the_package_whatever_lies_beside_it(tmp_path, monkeypatch):
    package = tmp_path / "esmaml_mpi"
    (package / "shipped" / "configs").mkdir(parents=True)
    (tmp_path / "configs").mkdir()
    (tmp_path / "examples").mkdir()  # of another package, among the installed ones
    monkeypatch.setattr(shipped, "PACKAGE", package)
    assert shipped.folder("configs") == package / "shipped" / "configs"
    with pytest.raises(UserError, match=r"the folder examples of esmaml_mpi is neither in .*shipped nor beside"):
        shipped.folder("examples")


def test_the_wheel_has_all_that_is_laid_out():
    nodes = ast.parse((ROOT / "setup.py").read_text()).body
    (value,) = (
        node.value for node in nodes if isinstance(node, ast.Assign) and "SHIPPED" in map(ast.unparse, node.targets)
    )
    for name, patterns in init.LAID_OUT.items():
        held = {path for pattern in ast.literal_eval(value)[name] for path in (ROOT / name).glob(pattern)}
        laid_out = {path for pattern in patterns for path in (ROOT / name).glob(pattern)}
        assert laid_out and laid_out <= held

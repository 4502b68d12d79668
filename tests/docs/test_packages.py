"""The map of the packages is what the folders say of themselves, in the order in which they import one another."""

import ast
import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {path.parent.name: path for path in (ROOT / "esmaml_mpi").glob("*/__init__.py")}
ROWS = re.findall(
    r"^\| \[(\w+)\]\(\.\./esmaml_mpi/\w+/__init__\.py\) \| .+ \|$",
    (ROOT / "docs" / "extending.md").read_text(),
    re.MULTILINE,
)


def _row(name: str) -> str:
    """A package's row: the first sentence of its docstring."""
    words = " ".join(ast.get_docstring(ast.parse(PACKAGES[name].read_text())).partition("\n\n")[0].split())
    sentence = words.partition(". ")[0].removesuffix(".").replace("``", "`")
    return f"| [{name}](../esmaml_mpi/{name}/__init__.py) | {sentence} |"


def test_every_package_has_a_row_in_its_own_words():
    lines = (ROOT / "docs" / "extending.md").read_text().splitlines()
    missing = [_row(name) for name in sorted(PACKAGES) if _row(name) not in lines]
    assert not missing, "docs/extending.md, The packages, wants these rows:\n" + "\n".join(missing)
    assert sorted(ROWS) == sorted(PACKAGES)


def test_rows_go_from_top_to_bottom():
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layers = [line.split(" | ") for line in contracts["importlinter:contract:house"]["layers"].split("\n") if line]
    floor = {name: number for number, layer in enumerate(layers) for name in layer}
    assert ROWS == sorted(ROWS, key=lambda name: floor[name])

"""The messages that the page on troubleshooting explains are messages of the program."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MESSAGES = re.findall(r"^##+ `(.*)`$", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)


def _texts(path):
    """Every string of a file, with ... for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)


TEXTS = [text for path in sorted((ROOT / "esmaml_mpi").rglob("*.py")) for text in _texts(path)]


@pytest.mark.parametrize("message", MESSAGES)
def test_there_is_such_a_message(message):
    parts = [re.escape(part.strip()) for part in message.split("...") if part.strip()]
    pattern = re.compile(r"[\s\S]*".join(parts))
    assert any(pattern.search(text) for text in TEXTS)


def test_there_are_messages():
    assert len(MESSAGES) > 25

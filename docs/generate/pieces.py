"""Pieces of Markdown pages."""

import inspect
import re
import sys


def table(head: list[str], rows: list[list[str]], raw: int = 0) -> str:
    """A table; cells may hold any text on one line, but the first ``raw`` of a row are Markdown already."""
    lines = [[_cell(cell) for cell in head], ["---"] * len(head)]
    lines += [[*row[:raw], *map(_cell, row[raw:])] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """Text as inline code; nothing for no text."""
    return f"`{text}`" if text else ""


def prose(text: str) -> str:
    """A docstring as paragraphs: its indented parts stay blocks, its double backticks become single ones."""
    return _plain(inspect.cleandoc(text or ""))


def module_of(cls: type):
    """The module that a class is defined in."""
    return sys.modules[cls.__module__]


def both(cls: type) -> str:
    """What a class's file says, then what the class itself does."""
    return prose(module_of(cls).__doc__) + "\n\n" + prose(cls.__doc__)


def line(text: str) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join(prose(text).partition("\n\n")[0].split())


def _cell(text: str) -> str:
    return _plain(" ".join(text.split())).replace("|", "\\|")


def _plain(text: str) -> str:
    """What Markdown would take for its own: < before a letter, and stars, outside of code."""
    parts = re.split(r"(`[^`]*`)", text.replace("``", "`"))
    return "".join(part if part.startswith("`") else _escape(part) for part in parts)


def _escape(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!])", "&lt;", text).replace("*", "\\*")

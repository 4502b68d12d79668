"""Documentation as lines for a terminal or a file: no longer than asked for, and without marks of a markup."""

import re
import textwrap

BOUND = re.compile(r"([<>=]) (?=\S)")  # a sign and what follows it stay on one line
COLUMNS = 80  # where nobody says how wide it is
LEAST = 24  # in fewer, words would stand alone
NAMED = re.compile(r"\n(?=[A-Z]\w+: )")  # a line that begins a part of its own, as "Released: ..."


def plain(text: str) -> str:
    """A docstring's text as people type it: `name` for ``name``."""
    return text.replace("``", "`")


def wrapped(text: str, columns: int = COLUMNS, first: str = "", then: str | None = None) -> list[str]:
    """A paragraph as lines, the first behind ``first``, the others behind ``then`` (the same unless given).

    Words longer than a line, as paths, stay whole.
    """
    lines = textwrap.wrap(
        BOUND.sub("\\1\xa0", plain(" ".join(text.split()))),
        max(columns, LEAST),
        initial_indent=first,
        subsequent_indent=first if then is None else then,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\xa0", " ") for line in lines] or [first.rstrip()]


def paragraphs(text: str, columns: int = COLUMNS) -> list[str]:
    """A text of several paragraphs as lines, an empty one between them."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        if lines:
            lines.append("")
        for part in NAMED.split(paragraph):
            lines += wrapped(part, columns)
    return lines

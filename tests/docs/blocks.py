"""Code blocks of Markdown pages, and what a comment in front of one says of it.

A fence names its language: bash, python and toml are run, c is written to a file, text and math are not code. On the
line before it may stand

    <!-- block: skip WHY -->             it cannot be run here, for this reason
    <!-- block: as COMMAND -->           this is run in its place, and leaves what it would leave
    <!-- block: file NAME -->            it is written to this file, which later blocks use
    <!-- block: small KEY=VALUE ... -->  further overrides for what it trains, so that it is quick
    <!-- block: exit CODE -->            it ends with this code
"""

import re
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("bash", "python", "toml", "c", "text", "math")
FENCE = re.compile(
    r"^(?:[ ]*<!-- block: (?P<verb>\w+) (?P<rest>.*?) -->\n)?"
    r"(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^[ ]*```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
VERBS = ("skip", "as", "file", "small", "exit")


@dataclass(frozen=True)
class Block:
    """A code block. ``line``: of its fence in the page."""

    page: Path
    line: int
    language: str
    text: str
    verb: str | None
    rest: str | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """All of a page, in order."""
    content = page.read_text()
    found = [
        Block(
            page,
            content[: match.start("indent")].count("\n") + 1,
            match["language"],
            match["text"],
            match["verb"],
            match["rest"],
        )
        for match in FENCE.finditer(content)
    ]
    assert 2 * len(found) == len(re.findall(r"^[ ]*```", content, re.MULTILINE)), f"{page}: a fence is not closed"
    return found

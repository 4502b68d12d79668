"""How long the sentences of pages are: `python tests/docs/readability.py [PAGE...]`, by default README and docs.

Counted are sentences of running text and of lists. Code, tables, headings, pictures and what is written by
`docs/generate` are left out. A sentence ends at a full stop or a question mark, or with its paragraph.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONG = 30  # words
NOT_PROSE = re.compile(r"<!--.*?-->|^[ ]*```.*?^[ ]*```|^\|.*?$|^#.*?$|^!\[.*?$|^ {4,}.*?$", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"^\s*(?:[-*>]|\d+\.)\s+", re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
END = re.compile(r"(?<=[.?!])[\"*)]*\s+(?=[\"*(`\[]*[A-Z0-9`])")


def sentences(text: str) -> list[str]:
    """The sentences of a page."""
    text = NOT_PROSE.sub("\n\n", text)
    text = re.sub(r"`[^`\n]*`", lambda match: match[0].replace(" ", "_").replace(".", "·"), LINK.sub(r"\1", text))
    paragraphs = re.split(r"\n\s*\n", ITEM.sub("\n\n", text))
    return [each for part in paragraphs for each in END.split(" ".join(part.split())) if re.search(r"\w", each)]


def count(pages: list[Path]) -> tuple[int, float, float]:
    """Sentences, their mean length in words, and the share that is longer than LONG words."""
    lengths = [len(each.split()) for page in pages for each in sentences(page.read_text(encoding="utf-8"))]
    return len(lengths), sum(lengths) / len(lengths), sum(length > LONG for length in lengths) / len(lengths)


def main() -> None:
    """Print a line for each page, and one for all."""
    pages = [Path(each) for each in sys.argv[1:]] or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    print(f"{'sentences':>9} {'words each':>10} {f'over {LONG}':>8}")
    for name, chosen in [*((page.name, [page]) for page in pages), ("all", pages)]:
        number, mean, share = count(chosen)
        print(f"{number:9} {mean:10.1f} {share:8.1%}  {name}")


if __name__ == "__main__":
    main()

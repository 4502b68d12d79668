"""What a link to a file is called is where the file is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
PATH = re.compile(r"[\w./]+\.\w+")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files(page):
    for label, link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        target = (page.parent / link).resolve()
        assert target.exists(), f"[{label}]({link}): no such file"
        name = label.replace("\\", "").strip("`")
        assert not PATH.fullmatch(name) or str(target).endswith(f"/{name}"), f"[{label}]({link}): another file"

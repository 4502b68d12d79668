"""The reference pages are what the code says now."""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_are_up_to_date(tmp_path):
    subprocess.run([sys.executable, DOCS / "generate", tmp_path], check=True, timeout=120)
    made = {path.name: path.read_text() for path in tmp_path.glob("*.md")}
    there = {path.name: path.read_text() for path in (DOCS / "reference").glob("*.md")}
    assert len(made) == 4
    stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    assert not stale, f"{stale} have drifted from the code: run `python docs/generate` and commit"

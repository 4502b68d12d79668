"""What the container's definition file copies and installs is there; building it needs Apptainer."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "jobs" / "esmaml.def").read_text()


def test_copied_files_are_there():
    lines = TEXT.partition("%files\n")[2].partition("\n\n")[0].splitlines()
    sources = [source for line in lines for source in line.split()[:-1]]
    assert len(sources) > 5 and all((ROOT / source).exists() for source in sources)


def test_installed_extras_are_there():
    extras = re.search(r'"\.\[([\w,]+)\]"', TEXT)[1].split(",")
    assert set(extras) <= set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])

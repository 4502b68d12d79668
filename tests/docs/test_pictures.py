"""Pictures of README and the pages are what `python docs/pictures.py` makes of the same numbers."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SEEN = 32  # of 255: by so much a pixel has another colour
MOST = 0.001  # share of pixels that may have one


def _pictures():
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["pictures"] = module  # dataclasses look for it
    spec.loader.exec_module(module)
    return module


image = pytest.importorskip("PIL.Image")
pictures = _pictures()


def difference(one: Path, other: Path) -> float:
    """The share of pixels that have another colour; 1 if sizes differ."""
    first, second = (np.asarray(image.open(path).convert("RGB"), dtype=int) for path in (one, other))
    if first.shape != second.shape:
        return 1.0
    return float((np.abs(first - second).max(axis=-1) > SEEN).mean())


@pytest.mark.slow
@pytest.mark.parametrize("picture", [each for each in pictures.PICTURES if each.quick], ids=lambda each: each.name)
def test_a_quick_picture_is_made_again(picture, tmp_path):
    pytest.importorskip("matplotlib")
    made = pictures.make(picture, tmp_path)
    share = difference(DOCS / made.name, made)
    assert share <= MOST, f"{share:.2%} of the pixels differ: python docs/pictures.py {picture.name}, and look at it"


def test_every_picture_has_its_commands():
    there = {path.stem for path in DOCS.glob("*.png")}
    assert there == {picture.name for picture in pictures.PICTURES}


def test_every_picture_is_shown():
    text = "".join(page.read_text() for page in DOCS.glob("*.md"))
    assert {path.name for path in DOCS.glob("*.png")} == set(re.findall(r"!\[[^]]*\]\((\w+\.png)\)", text))


def test_the_list_names_commands_that_are_there():
    command = [sys.executable, DOCS / "pictures.py", "--list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    assert len(re.findall(r"^\w+\.png.*:$", listed.stdout, re.MULTILINE)) == len(pictures.PICTURES)
    for path in set(re.findall(r"(?:configs|examples|analysis|benchmarks)/\S+\.\w+", listed.stdout)):
        assert (ROOT / path).is_file()


def test_another_picture_is_told_apart(tmp_path):
    pixels = np.full((100, 100, 3), 255, np.uint8)
    image.fromarray(pixels).save(tmp_path / "one.png")
    pixels[50, 10:90] = 0  # one more line
    image.fromarray(pixels).save(tmp_path / "other.png")
    assert difference(tmp_path / "one.png", tmp_path / "other.png") == 0.008
    assert difference(tmp_path / "one.png", tmp_path / "one.png") == 0

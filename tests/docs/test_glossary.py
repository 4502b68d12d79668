"""The glossary: few words of our own, each in the file that it names."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
OURS, FIELD = (DOCS / "glossary.md").read_text().split("\n## ")[1:]
ROW = re.compile(
    r"^\| (?P<word>[\w -]+) \| (?P<meaning>.+) \| \[(?P<label>[\w./]+)\]\((?P<link>[\w./]+)\) \|$", re.MULTILINE
)
WORDS = [match.groupdict() for match in ROW.finditer(OURS)]


def _rows(section: str) -> list[str]:
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def test_words_of_our_own_are_few():
    assert 0 < len(WORDS) <= 15
    assert len(WORDS) == len(_rows(OURS))
    assert len({entry["word"] for entry in WORDS}) == len(WORDS)


@pytest.mark.parametrize("entry", WORDS, ids=lambda entry: entry["word"])
def test_a_word_is_in_the_file_that_is_named(entry):
    file = DOCS / entry["link"]
    assert file.is_file() and file.resolve().as_posix().endswith(f"esmaml_mpi/{entry['label']}")
    assert entry["word"] == file.stem or re.search(rf"\b{entry['word']}s?\b", file.read_text(), re.IGNORECASE)
    assert len(re.findall(r"\.(?= |$)", entry["meaning"])) in (1, 2)  # sentences


@pytest.mark.parametrize(
    "word",
    ["perturbation", "query", "pivot", "rollout", "meta-policy", "theta", "sigma", "K", "alpha", "beta", "U(theta, T)"],
)
def test_the_fields_words_are_there(word):
    assert any(word in row.split(" | ")[0] or word in row.split(" | ")[1] for row in _rows(FIELD))

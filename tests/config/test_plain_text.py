"""Documentation as lines of a terminal."""

from esmaml_mpi.settings.plain_text import paragraphs, wrapped
from esmaml_mpi.tasks import FAMILIES
from esmaml_mpi.tasks.description import describe_families, describe_family


def test_lines_fit_and_nothing_is_lost():
    text = "one ``two``  three\nfour (>= 1 and < 2^32) five"
    lines = wrapped(text, 24, "# ", "#   ")
    assert lines == ["# one `two` three four", "#   (>= 1 and < 2^32)", "#   five"]
    assert wrapped("", first="# ") == ["#"]
    assert wrapped("a/path/that/is/longer/than/any/line", 24) == ["a/path/that/is/longer/than/any/line"]


def test_parts_of_a_paragraph_that_have_names_begin_lines():
    text = "First, a\nsentence.\n\nReleased: this\nand that.\nFinn: other."
    assert paragraphs(text) == ["First, a sentence.", "", "Released: this and that.", "Finn: other."]


def test_task_families_fit_a_terminal():
    for text in (describe_families(), *map(describe_family, FAMILIES)):
        assert max(map(len, text.splitlines())) <= 80 and "``" not in text
    assert max(map(len, describe_families(60).splitlines())) <= 60

"""Formulas of the pages become MathML, and nothing of LaTeX is left in it."""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

pytest.importorskip("latex2mathml")
pytest.importorskip("mkdocs")
DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS / "generate"))
import formulas  # noqa: E402

PAGES = [page for page in sorted(DOCS.rglob("*.md")) if re.search(r"```math|\$`", page.read_text())]


def _drawn(markdown):
    """The formulas of a page as elements."""
    made = formulas.on_page_markdown(markdown, None, None, None)
    assert "```math" not in made and "$`" not in made
    return [xml.fromstring(each) for each in re.findall(r"<math.*?</math>", made)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_formula_is_drawn(page):
    text = page.read_text()
    drawn = _drawn(text)
    assert len(drawn) == len(formulas.BLOCK.findall(text)) + len(formulas.INLINE.findall(text)) > 0
    for formula in drawn:
        written = "".join(formula.itertext())
        assert "\\" not in written and "&" not in written, written  # commands and columns that were not understood


def test_there_are_such_pages():
    assert len(PAGES) >= 4


def test_a_fraction_a_sum_and_an_index():
    (formula,) = _drawn("```math\n\\frac{1}{m} \\sum_i b_i\n```\n")
    name = "{http://www.w3.org/1998/Math/MathML}"
    assert formula.get("display") == "block"
    numerator, denominator = formula.find(f".//{name}mfrac")
    assert ("".join(numerator.itertext()), "".join(denominator.itertext())) == ("1", "m")
    base, index = formula.findall(f".//{name}msub")[-1]
    assert (base.text, index.text) == ("b", "i")


def test_a_line_may_begin_with_a_formula():
    markdown = pytest.importorskip("markdown")
    html = markdown.markdown(formulas.on_page_markdown("$`f`$ is smooth, and\n$`g`$ is not.", None, None, None))
    assert html.count("<p>") == 1 and re.sub("<.*?>", "", html).split() == "f is smooth, and g is not.".split()


def test_a_formula_in_a_table_ends_no_cell():
    (line,) = formulas.on_page_markdown("| a | $`\\text{x|y}`$ |", None, None, None).splitlines()
    assert line.count("|") == 3


def test_what_is_no_formula_is_said():
    with pytest.raises(formulas.PluginError, match=r"cannot be read: \\frac"):
        _drawn("$`\\frac{1`$")

"""On a phone each cell of a reference table says which column it is of; options are not broken after their dashes."""

import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "generate"))
import narrow_tables
import options

TABLE = (
    "<table><thead><tr><th>key</th><th>type</th></tr></thead>"
    "<tbody><tr><td>a</td><td>one</td></tr><tr><td>b</td><td>two</td></tr></tbody></table>"
)


def _made(uri):
    return narrow_tables.on_page_content(TABLE, SimpleNamespace(file=SimpleNamespace(src_uri=uri)), None, None)


def test_cells_have_the_names_of_their_columns():
    made = _made("reference/configuration.md")
    for cell, column in (("a", "key"), ("one", "type"), ("b", "key"), ("two", "type")):
        assert f'<td data-column="{column}">{cell}</td>' in made


def test_other_pages_are_left_as_they_are():
    assert _made("hessian.md") == TABLE


def test_options_stay_on_one_line():
    made = options.on_page_content("<code>sweep --list -x</code> <pre>--a</pre> <code>a-b</code>", None, None, None)
    kept = '<span class="option">{}</span>'.format
    assert made == f"<code>sweep {kept('--list')} {kept('-x')}</code> <pre>--a</pre> <code>a-b</code>"

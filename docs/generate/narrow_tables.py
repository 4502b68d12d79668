"""A MkDocs hook: rows of the reference's tables are read one below the other where a page is narrow.

Each cell gets its column's name, and site.css puts it in front of the cell on a phone.
"""

import re
from itertools import cycle

TABLE = re.compile(r"<table>(.*?)</table>", re.DOTALL)
HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)


def on_page_content(html, page, config, files):
    """Name the cells of a reference page."""
    return TABLE.sub(_named, html) if page.file.src_uri.startswith("reference/") else html


def _named(match: re.Match) -> str:
    columns = cycle(HEAD.findall(match[1]))
    cells = re.sub(r"<td\b", lambda _: f'<td data-column="{next(columns)}"', match[1])
    return f'<table class="stacked">{cells}</table>'

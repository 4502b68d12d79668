"""Tables as text, CSV, Markdown and HTML."""

import csv
import html
import io
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers; a number is rounded wherever people read it, and whole in CSV."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple]

    def render(self, form: str) -> str:
        """As one of FORMS."""
        return FORMS[form](self)

    def text(self) -> str:
        """Columns under each other."""
        rows = [self.columns, *self._read()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.columns))]
        right = [False, *(self._number(i) for i in range(1, len(self.columns)))]
        lines = [
            "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([self.title, *lines])

    def markdown(self) -> str:
        """A table of GitHub's Markdown, its title below."""
        rules = ["---:" if self._number(i) else "---" for i in range(len(self.columns))]
        rows = [self.columns, rules, *([cell.replace("|", "\\|") for cell in row] for row in self._read())]
        return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", self.title])

    def csv(self) -> str:
        """Comma-separated values, numbers in full, without the title."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.columns, *self.rows])
        return out.getvalue().rstrip("\n")

    def html(self) -> str:
        """A table of HTML, its title the caption; without the columns of which nothing is known."""
        shown = [i for i in range(len(self.columns)) if not self.rows or not all(_unknown(row[i]) for row in self.rows)]
        kinds = [' class="number"' if self._number(i) else "" for i in shown]
        head = ["<table><caption><span>", _bound(self.title), "</span></caption>"]
        rows = [[row[i] for i in shown] for row in (self.columns, *self._read())]
        body = ["<tbody>", *(_row("td", row, kinds) for row in rows[1:]), "</tbody></table>"]
        return "\n".join(["".join(head), "<thead>", _row("th", rows[0], kinds), "</thead>", *body])

    def _read(self) -> list[list[str]]:
        return [[readable(cell) for cell in row] for row in self.rows]

    def _number(self, column: int) -> bool:
        return all(isinstance(row[column], (int, float)) for row in self.rows)


def _unknown(cell) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def readable(cell) -> str:
    """A number with four digits or so, and what is not known as a dash."""
    if not isinstance(cell, float):
        return str(cell)
    if _unknown(cell):
        return "-"
    if not math.isfinite(cell) or cell == 0:
        return f"{cell:g}"
    if abs(cell) < 1e-3:
        return f"{cell:.2g}"
    digits = max(0, 3 - math.floor(math.log10(abs(cell))))
    return f"{cell:,.{digits}f}"


def _bound(text: str) -> str:
    """Text in HTML; what is equal stays on one line."""
    return html.escape(text).replace(" = ", "&nbsp;=&nbsp;")


def _row(tag: str, cells, kinds) -> str:
    texts = [_bound(cell) for cell in cells]
    return "<tr>" + "".join(f"<{tag}{kind}>{text}</{tag}>" for text, kind in zip(texts, kinds, strict=True)) + "</tr>"


FORMS = {"text": Table.text, "markdown": Table.markdown, "csv": Table.csv}

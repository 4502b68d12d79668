"""A self-contained HTML page: sections with figures, tables, notes and folded text. No script, no other file."""

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager

import style
from tables import Table

from esmaml_mpi.errors import UserError
from esmaml_mpi.rollouts.simulate import RolloutError

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 76rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.6rem; border-bottom: 1px solid #d0d0d0; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.87rem; } caption { text-align: left; color: #444; padding: 0.3rem 0; }
caption span { display: block; max-width: 72rem; }
th, td { padding: 0.2rem 0.9rem 0.2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e6e6e6; }
td:not(.number) { min-width: 7rem; max-width: 40rem; overflow-wrap: break-word; } td:first-child { min-width: 16rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; } td.number { white-space: nowrap; }
pre { font-size: 0.82rem; background: #f6f6f6; padding: 0.8rem; overflow-x: auto; } summary { cursor: pointer; }
.notes { color: #6b4a00; font-size: 0.9rem; }
"""
POINTS_PER_INCH = 96  # of CSS, so that letters have one size in all figures


class Section:
    """What stands under one heading, in the order in which it was added."""

    def __init__(self, title: str):
        self.title = title
        self.parts: list[str] = []
        self.notes: dict[str, None] = {}  # each once

    def note(self, text: str) -> None:
        """Something that a reader of this section should know."""
        self.notes[text] = None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """If something keeps a part of the section from being made, it says what, and the page goes on."""
        try:
            yield
        except (UserError, RolloutError) as error:
            self.note(f"Not shown: {' '.join(str(error).split())}")

    def figure(self, fig, what: str) -> None:
        """A picture, with ``what`` it shows for readers who do not see it."""
        picture, width = io.BytesIO(), round(POINTS_PER_INCH * fig.get_size_inches()[0])
        style.save(fig, picture, "png")
        data = base64.b64encode(picture.getvalue()).decode()
        text = html.escape(what, quote=True)
        self.parts.append(f'<figure><img src="data:image/png;base64,{data}" width="{width}" alt="{text}"></figure>')

    def table(self, table: Table) -> None:
        """A table, which scrolls where it is wider than the page; none if it has no rows."""
        if not table.rows:
            return
        self.parts.append(f'<div class="wide">{table.html()}</div>')

    def folded(self, title: str, text: str) -> None:
        """Text that is shown when asked for."""
        self.parts.append(f"<details><summary>{html.escape(title)}</summary><pre>{html.escape(text)}</pre></details>")

    def html(self, anchor: str) -> str:
        """The section."""
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        listed = [f'<ul class="notes">{notes}</ul>'] if notes else []
        return "\n".join([f'<h2 id="{anchor}">{html.escape(self.title)}</h2>', *self.parts, *listed])


class Page:
    """Sections under a title."""

    def __init__(self, title: str):
        self.title = title
        self.sections: list[Section] = []

    @contextmanager
    def section(self, title: str) -> Iterator[Section]:
        """A new section, which is an attempt as a whole too."""
        made = Section(title)
        self.sections.append(made)
        with made.attempt():
            yield made

    def html(self) -> str:
        """The whole page."""
        links = "".join(
            f'<li><a href="#part{i}">{html.escape(section.title)}</a></li>' for i, section in enumerate(self.sections)
        )
        body = "\n".join(section.html(f"part{i}") for i, section in enumerate(self.sections))
        title = html.escape(self.title)
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n'
            f"<body><h1>{title}</h1>\n<ul>{links}</ul>\n{body}\n</body></html>\n"
        )

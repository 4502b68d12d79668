"""A self-contained HTML page: sections with figures that answer a pointer, tables, notes and folded text."""

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import interactive
import style
from tables import Table

from esmaml_mpi.errors import UserError
from esmaml_mpi.rollouts.simulate import RolloutError

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 76rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.6rem; border-bottom: 1px solid #d0d0d0; }
figure { margin: 1rem 0; overflow-x: auto; } img, figure svg { display: block; max-width: 100%; height: auto; }
figure svg { min-width: min(44rem, var(--width)); touch-action: pan-x pan-y; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
.off { display: none; } .faded { opacity: 0.35; } .button { fill: transparent; cursor: pointer; }
.mark { fill: none; stroke: #1a1a1a; stroke-width: 1.5; pointer-events: none; }
.tip { position: fixed; z-index: 1; max-width: 22rem; padding: 0.3rem 0.6rem; white-space: pre-line; font-size: 0.82rem;
  line-height: 1.35; color: #fff; background: #1a1a1ae6; border-radius: 4px; pointer-events: none; }
.wide { overflow-x: auto; margin: 1rem 0; } .tall { max-height: 34rem; overflow-y: auto; border: 1px solid #d0d0d0; }
.tall thead th { position: sticky; top: 0; background: #fff; } details details { margin-left: 1rem; }
table { border-collapse: collapse; font-size: 0.87rem; } caption { text-align: left; color: #444; padding: 0.3rem 0; }
caption span { display: block; max-width: 72rem; }
th, td { padding: 0.2rem 0.9rem 0.2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e6e6e6; }
td:not(.number) { min-width: 7rem; max-width: 40rem; overflow-wrap: break-word; } td:first-child { min-width: 16rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; } td.number { white-space: nowrap; }
pre { font-size: 0.82rem; background: #f6f6f6; padding: 0.8rem; overflow-x: auto; } summary { cursor: pointer; }
.notes { color: #6b4a00; font-size: 0.9rem; }
"""
PIXELS_PER_INCH = 96  # of CSS, so that letters have one size in all figures
MOST_LETTERS = 2_000_000  # of a figure as SVG; one that has more is a picture
MOST_ROWS = 40  # of a table that is shown whole
SCRIPT = Path(__file__).with_name("page.js")


class Section:
    """What stands under one heading, in the order in which it was added."""

    def __init__(self, title: str, anchor: str):
        self.title, self.anchor = title, anchor
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
        """A figure, with ``what`` it shows for readers who do not see it."""
        width = round(PIXELS_PER_INCH * fig.get_size_inches()[0])
        text = html.escape(what, quote=True)
        svg, told = interactive.svg(fig, f"{self.anchor}-{len(self.parts)}")
        if len(svg) > MOST_LETTERS:
            picture = io.BytesIO()
            style.save(fig, picture, "png")
            data = base64.b64encode(picture.getvalue()).decode()
            self.parts.append(f'<figure><img src="data:image/png;base64,{data}" width="{width}" alt="{text}"></figure>')
            return
        style.plt.close(fig)
        size = f'width="{width}" style="--width: {width}px"'
        svg = svg.replace("<svg ", f'<svg role="img" aria-label="{text}" {size} ', 1)
        self.parts.append(f"<figure data-told='{interactive.attribute(told)}'>{svg}</figure>")

    def table(self, table: Table) -> None:
        """A table, which scrolls where it is wider than the page or has very many rows; none if it has no rows."""
        if not table.rows:
            return
        tall = " tall" * (len(table.rows) > MOST_ROWS)
        self.parts.append(f'<div class="wide{tall}">{table.html()}</div>')

    def folded(self, title: str, texts: dict[str, str]) -> None:
        """Named texts that are shown when asked for; several are folded together, too."""
        folded = [
            f"<details><summary>{html.escape(name)}</summary><pre>{html.escape(text)}</pre></details>"
            for name, text in texts.items()
        ]
        if len(folded) > 1:
            folded = [f"<details><summary>{html.escape(title)}</summary>", *folded, "</details>"]
        self.parts += folded

    def html(self) -> str:
        """The section."""
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        listed = [f'<ul class="notes">{notes}</ul>'] if notes else []
        return "\n".join([f'<h2 id="{self.anchor}">{html.escape(self.title)}</h2>', *self.parts, *listed])


class Page:
    """Sections under a title."""

    def __init__(self, title: str):
        self.title = title
        self.sections: list[Section] = []

    @contextmanager
    def section(self, title: str) -> Iterator[Section]:
        """A new section, which is an attempt as a whole too."""
        made = Section(title, f"part{len(self.sections)}")
        self.sections.append(made)
        with made.attempt():
            yield made

    def html(self) -> str:
        """The whole page."""
        links = "".join(
            f'<li><a href="#{section.anchor}">{html.escape(section.title)}</a></li>' for section in self.sections
        )
        body = "\n".join(section.html() for section in self.sections)
        title = html.escape(self.title)
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n'
            f"<body><h1>{title}</h1>\n<ul>{links}</ul>\n{body}\n"
            f'<script type="module">\n{SCRIPT.read_text(encoding="utf-8")}</script>\n</body></html>\n'
        )

"""Figures that answer a pointer: which artists are one series, what each of its points says, which words name it.

What draws a figure calls ``tell`` and ``name_in``; ``svg`` then writes it as SVG for a page. There page.js shows a
point's values, and hides a series whose name is clicked. Saved as any other picture, the figure is what it was.
"""

import html
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from tables import readable

MOST_POINTS = 200  # of one curve; a finger hits no more
POINTS_PER_INCH = 72  # of SVG
UNDATED = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@dataclass
class Series:
    """Artists that are hidden together, points (axes, x, y, what is said of x, what of y), and words in legends."""

    artists: list = field(default_factory=list)
    points: list[tuple] = field(default_factory=list)
    names: list = field(default_factory=list)


_told: WeakKeyDictionary = WeakKeyDictionary()  # figure -> name -> Series


def tell(name: str, artists: Sequence, points: Iterable[tuple[float, float, float | str, str]] = ()) -> None:
    """``artists`` of one axes belong to the series ``name``.

    ``points``: x and y in the axes' data, what is said of x (a number, said with the name of the axis, or text), what
    is said of y.
    """
    own = _told.setdefault(artists[0].figure, {}).setdefault(name, Series())
    own.artists += artists
    own.points += [(artists[0].axes, *point) for point in points]


def tell_curve(name: str, line, band=None, *others) -> None:
    """A line (n,), its band (lower, upper) or None, and ``others`` that are hidden with it."""
    x, y = (np.asarray(values, dtype=float) for values in (line.get_xdata(), line.get_ydata()))
    points = []
    for i in np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int)):
        if np.isfinite(y[i]):
            edges = "" if band is None else f" ({readable(float(band[0][i]))} to {readable(float(band[1][i]))})"
            points.append((x[i], y[i], float(f"{x[i]:.6g}"), readable(float(y[i])) + edges))
    tell(name, [line, *others], points)


def name_in(legend, names: Iterable[str]) -> None:
    """The entries of a legend name these series, in this order; "" names none."""
    told = _told.get(legend.figure, {})
    for name, text, handle in zip(names, legend.get_texts(), legend.legend_handles, strict=False):
        if name in told:
            told[name].names += [text, handle]


def name_of(line) -> str:
    """The series that an artist belongs to, or ""."""
    told = _told.get(line.figure, {})
    return next((name for name, own in told.items() if line in own.artists), "")


def svg(fig, prefix: str) -> tuple[str, str]:
    """The figure as SVG for an HTML page, and what page.js has to know of it, as JSON; ``prefix`` of all its ids."""
    told = _told.pop(fig, {})
    for i, own in enumerate(told.values()):
        for kind, artists in (("series", own.artists), ("name", own.names)):
            for j, artist in enumerate(artists):
                artist.set_gid(f"{kind}-{i}-{j}")
    width, height = POINTS_PER_INCH * fig.get_size_inches()
    written = io.StringIO()
    fig.savefig(written, format="svg", metadata=UNDATED)  # lays the axes out as they are then found
    boxes = {ax: ax.get_position() for ax in fig.axes}
    places = [[b.x0 * width, (1 - b.y1) * height, b.x1 * width, (1 - b.y0) * height] for b in boxes.values()]
    axes = list(boxes)
    series = []
    for name, own in told.items():
        points = []
        for ax, x, y, of_x, of_y in own.points:
            across, up = fig.transFigure.inverted().transform(ax.transData.transform((x, y)))
            points.append([axes.index(ax), round(across * width, 1), round((1 - up) * height, 1), of_x, of_y])
        series.append({"name": name, "points": points})
    known = {"axes": [[round(edge, 1) for edge in place] for place in places], "x": [ax.get_xlabel() for ax in axes]}
    return _inline(written.getvalue(), prefix), json.dumps({**known, "series": series}, separators=(",", ":"))


def _inline(text: str, prefix: str) -> str:
    """SVG as a part of a page: no declarations, ids of its own, series and names as data."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<style.*?</style>|<!--.*?-->\n?", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"| version="[^"]*"', "", text)
    text = re.sub(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", text, count=1, flags=re.DOTALL)
    text = re.sub(r'\bid="(series|name)-(\d+)-\d+"', r'data-\1="\2"', text)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    return re.sub(r'(url\(|(?:xlink:)?href=")#', lambda found: f"{found[1].removeprefix('xlink:')}#{prefix}-", text)


def attribute(text: str) -> str:
    """Text between two ' of HTML."""
    return html.escape(text, quote=False).replace("'", "&#39;")

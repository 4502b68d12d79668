"""The look of every figure: colours, sizes, and how figures are saved. Plain matplotlib, no display needed."""

import itertools
import re
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import interactive
import matplotlib.pyplot as plt

from esmaml_mpi.errors import UserError
from esmaml_mpi.results.replacing import check_replaceable

# Okabe and Ito's colours, which colour-blind readers can tell apart; yellow is left out because it vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY, BLACK = "#7F7F7F", "#1A1A1A"
LINES = ("-", "--", "-.", ":", (0, (4, 1, 1, 1, 1, 1)), (0, (9, 2.5)))
LETTERS_PER_INCH = 13.5  # of a legend
MOST_DOTS = 25  # on a line; more of them only thicken it
SUFFIXES = (".png", ".pdf", ".svg")
_TITLE = b"test reward per episode"  # of a table of scores
MARKS = {  # what files that these scripts have made hold near their beginning or end
    **dict.fromkeys((".png", ".pdf", ".svg"), (b"Matplotlib",)),
    **dict.fromkeys((".html", ".htm"), (b'<html lang="en"><head><meta charset="utf-8"><title>',)),
    **dict.fromkeys((".txt", ".csv"), (_TITLE, b"group,seeds,failed,")),
    ".md": (_TITLE, b"group,seeds,failed,", b"# Claims\n"),
    ".json": (b',\n"points": [\n', b',\n"paths": [\n'),
}

_DEFAULTS = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.06,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 2.8,  # long enough for every line style
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "svg.hashsalt": "esmaml_mpi",  # the same figure is the same file
    "pdf.fonttype": 42,  # text stays text: journals refuse the default type 3 fonts
}


def figure(columns: int = 1, width: float = 6.4, height: float = 4.8, ratios=None, rows: int = 1):
    """A figure and its list of axes, row by row, in the project's style."""
    plt.rcParams.update(_DEFAULTS)
    fig, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, width_ratios=ratios)
    return fig, list(axes.flat)


def panels(count: int):
    """A figure and its list of axes for as many curves' panels, at most three side by side."""
    columns = min(count, 3)
    rows = -(-count // columns)
    fig, axes = figure(columns, 2.0 + 5.2 * columns, 4.3 * rows, rows=rows)
    for ax in axes[count:]:
        ax.remove()
    return fig, axes[:count]


def cycle():
    """(colour, line style) of one curve after the other; no pair repeats before the thirty-seventh."""
    return itertools.cycle((colour, line) for line in LINES for colour in COLOURS)


def legend_below(ax, handles=None, columns: int = 2) -> None:
    """A legend under the axes, where it cannot cover data."""
    handles = ax.get_legend_handles_labels()[0] if handles is None else handles
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=columns, borderaxespad=0.0)


def draw_band(ax, name: str, x, mean, band, colour: str, line: str, **look) -> None:
    """A mean and, unless it is None, the band (lower, upper) around it, as the series ``name``."""
    (drawn,) = ax.plot(x, mean, color=colour, ls=line, **look)
    around = [] if band is None else [ax.fill_between(x, *band, color=colour, alpha=0.16, lw=0)]
    interactive.tell_curve(name, drawn, band, *around)


def dots(*xs) -> dict:
    """Marks on the points of all curves, unless one has too many."""
    return dict(marker="o", ms=3.5) if all(len(x) <= MOST_DOTS for x in xs) else {}


def plain(text: str) -> str:
    """Text that matplotlib draws as it stands: what is between two $ it would take for a formula."""
    return text.replace("$", r"\$")


def wrapped(text: str, letters: int, **how) -> str:
    """Plain text on lines of at most so many letters, what is equal, multiplied or counted kept together."""
    for sign in (" = ", " x ", "seed "):
        text = text.replace(sign, sign.replace(" ", "\u00a0"))
    text = re.sub(r"(?<=\d) (?=seed|rank|thread)", "\u00a0", text)
    return plain("\n".join(textwrap.wrap(text, letters, **how)).replace("\u00a0", " "))


def legend_under(fig, axes, texts: list[str], footnote: str = "") -> None:
    """The lines of ``axes`` under the figure, named by ``texts``, in as many columns as fit; the figure grows by it."""
    width, height = fig.get_size_inches()
    room = int(width * LETTERS_PER_INCH)
    columns = max(1, min(3, room // (max(map(len, texts)) + 9)))
    names = [wrapped(text, room - 9, subsequent_indent="    ") for text in texts]
    notes = textwrap.wrap(footnote, room)
    lines = -(-sum(text.count("\n") + 1 for text in names) // columns) + len(notes)
    fig.set_size_inches(width, height + 0.19 * lines)
    place = dict(loc="outside lower center", ncols=columns, alignment="left")
    drawn = [line for ax in axes for line in ax.get_lines()]
    legend = fig.legend(drawn[: len(texts)], names, title="\n".join(notes) or None, **place)
    legend.get_title().set_fontsize(9)
    interactive.name_in(legend, map(interactive.name_of, drawn))


def count_axis(ax, whole: bool = True) -> None:
    """Ticks of a horizontal axis at whole numbers if that is what it has, with powers of ten where they are large."""
    ax.locator_params(axis="x", integer=whole, nbins=7)
    ax.ticklabel_format(axis="x", style="sci", scilimits=(-3, 5), useMathText=True)


def check_output(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """``path`` if a figure, or what has these suffixes, can be saved under that name, else UserError.

    Asked before any work is done. Suffixes keep ``--output results/*.h5``, its own name forgotten, off the first run.
    """
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{path}: what is written here has a name that ends in {', '.join(suffixes)}.")
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist.")
    check_replaceable(path, "", *MARKS.get(path.suffix.lower(), ()))
    return path


def save(fig, path, form: str | None = None) -> None:
    """Write the figure to a path, in the format that its suffix names, or to a file as ``form``; without the date."""
    form = form or path.suffix.lower().removeprefix(".")
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    try:
        fig.savefig(path, format=form, metadata=undated.get(form))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}.") from error
    plt.close(fig)

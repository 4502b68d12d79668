"""The look of every figure: colours, sizes, and how figures are saved. Plain matplotlib, no display needed."""

import itertools
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from esmaml_mpi.errors import UserError

# Okabe and Ito's colours, which colour-blind readers can tell apart; yellow is left out because it vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY, BLACK = "#7F7F7F", "#1A1A1A"
LINES = ("-", "--", "-.", ":")
SUFFIXES = (".png", ".pdf", ".svg")

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


def figure(columns: int = 1, width: float = 6.4, height: float = 4.8, ratios=None):
    """A figure and its list of axes side by side, in the project's style."""
    plt.rcParams.update(_DEFAULTS)
    fig, axes = plt.subplots(1, columns, figsize=(width, height), squeeze=False, width_ratios=ratios)
    return fig, list(axes[0])


def cycle():
    """(colour, line style) of one curve after the other; no pair repeats before the twenty-fifth."""
    return itertools.cycle((colour, line) for line in LINES for colour in COLOURS)


def legend_below(ax, handles=None, columns: int = 2) -> None:
    """A legend under the axes, where it cannot cover data."""
    handles = ax.get_legend_handles_labels()[0] if handles is None else handles
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=columns, borderaxespad=0.0)


def check_output(path: Path) -> Path:
    """``path`` if a figure can be saved under that name, else UserError; asked before any work is done."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a figure's name ends in {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist.")
    return path


def save(fig, path: Path) -> None:
    """Write the figure in the format that the suffix of ``path`` names, without the date of today."""
    undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    try:
        fig.savefig(path, metadata=undated.get(path.suffix.lower()))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}.") from error
    plt.close(fig)

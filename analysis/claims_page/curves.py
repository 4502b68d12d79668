"""The curves behind a claim, out of the summary alone: a small panel for each pair of sides that is compared."""

import numpy as np
import series
import style
from matplotlib.lines import Line2D
from verdicts.evidence import Evidence
from verdicts.judged import Judged
from verdicts.summary import Run, Summary

GRID = 60  # instants of a curve over costs that runs do not share
COLUMNS = 4
FIRST, OTHER = (style.COLOURS[0], "-"), (style.COLOURS[1], "--")
# Curves of their own, which quantities are of that begin with their names, and what an axis calls them.
OWN = {
    "found": "share that finds",
    "harmed": "share that is harmed",
    "worsened": "share that ends worse",
    "gain_loaded": "reward gained by adaptation",
    "gain_slippery": "reward gained by adaptation",
    "gain": "reward gained by adaptation",
}


def draw(one: Judged, summary: Summary):
    """A figure for a claim, or None if there are no curves: none of it was run."""
    shown: dict[tuple, Evidence] = {}
    for each in one.drawn:
        part = each.part
        shown.setdefault((part.experiment, part.size, part.named, part.at, _series(part.quantity)), each)
    compared = {each.part.experiment + each.part.size + name for each in shown.values() for name in _compared(each)}
    shown = {  # a side alone is in the panel where it is compared
        key: each
        for key, each in shown.items()
        if each.part.against
        or _series(each.part.quantity) != "after"
        or any(each.part.experiment + each.part.size + n not in compared for n in each.part.points)
    }
    if not shown:
        return None
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    fig, axes = style.figure(columns, 1.0 + 2.9 * columns, 0.6 + 2.5 * rows, rows=rows)
    for ax in axes[len(shown) :]:
        ax.remove()
    for ax, each in zip(axes, shown.values(), strict=False):
        _panel(ax, each, summary)
    if any(each.part.against for each in shown.values()):
        looks = ((FIRST, "first named"), (OTHER, "what it is compared with"))
        handles = [Line2D([], [], color=colour, ls=line, label=label) for (colour, line), label in looks]
        fig.legend(handles=handles, loc="outside lower center", ncols=2)
    return fig


def _compared(each: Evidence) -> tuple[str, ...]:
    """Points that are in a panel with what they are compared with, by their reward."""
    part = each.part
    return (*part.points, *part.against) if part.against and _series(part.quantity) == "after" else ()


def _series(quantity: str) -> str:
    return next((name for name in OWN if quantity.startswith(name)), "after")


def _panel(ax, each: Evidence, summary: Summary) -> None:
    part = each.part
    for names, less, (colour, line) in ((part.points, part.less, FIRST), (part.against, part.against_less, OTHER)):
        runs, fewer = ([summary.of(part.experiment, part.size, name) for name in own] for own in (names, less))
        if not runs:
            continue
        x, values = curves(runs, part.at, _series(part.quantity), fewer)
        ax.plot(x, _mean(values), color=colour, ls=line, lw=1.4)
        if len(values) > 1:
            ax.fill_between(x, *_edges(values), color=colour, alpha=0.16, lw=0)
    ax.set_title(style.wrapped(part.about, 40), fontsize=8)
    ax.tick_params(labelsize=7)
    ax.set_xlabel(series.COSTS[part.at], fontsize=7)
    label = OWN.get(_series(part.quantity), "reward")
    ax.set_ylabel(label + ", difference" * bool(part.less), fontsize=7)
    style.count_axis(ax, part.at != "seconds")
    ax.xaxis.get_offset_text().set_fontsize(7)


def curves(
    runs: list[list[Run]], at: str, name: str, less: list[list[Run]] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Instants (R,) and values (seeds, R): of each seed the mean over points, less that over points of ``less``; as far
    as all runs go.
    """
    points = [*runs, *(less or [])]
    everything = [run for own in points for run in own]
    first = max(run.series[at][0] for run in everything)
    last = min(run.series[at][-1] for run in everything)
    wheres = {tuple(run.series[at]) for run in everything}
    x = np.array(next(iter(wheres)), dtype=float) if len(wheres) == 1 else np.linspace(first, last, GRID)
    seeds = sorted(set.intersection(*({run.seed for run in own} for own in points)))
    by_seed = [{run.seed: run for run in own} for own in points]
    values = np.array([[_at(own[seed], at, name, x) for own in by_seed] for seed in seeds], dtype=float)
    mean: np.ndarray = values[:, : len(runs)].mean(axis=1)
    return x, mean - values[:, len(runs) :].mean(axis=1) if less else mean


def _at(run: Run, at: str, name: str, x: np.ndarray) -> np.ndarray:
    values, where = _values(run, name), np.array(run.series[at], dtype=float)
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(x), np.nan)
    return np.interp(x, where[known], values[known], np.nan, np.nan)


def _values(run: Run, name: str) -> np.ndarray:
    if name == "gain":
        return _values(run, "after") - _values(run, "before")
    return np.array(run.series[name], dtype=float)


def _mean(values: np.ndarray) -> np.ndarray:
    return series.finite_mean(values, 0)


def _edges(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf).min(axis=0)
    high = np.where(finite, values, -np.inf).max(axis=0)
    nothing = ~finite.any(axis=0)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)

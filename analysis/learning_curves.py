"""Learning curves of any set of runs, grouped by the settings in which they differ, averaged over seeds.

Example: python analysis/learning_curves.py results/*.h5 --x rollouts
"""

import argparse
import sys

import bands
import curves
import numpy as np
import script
import series
import style
from curves import Curve
from groups import IGNORED, Group, group
from tables import Table


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Draw and tabulate the groups; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    output = style.check_output(options.output)
    need = "train" if options.metric == "meta_value" else "test"
    groups = group(series.load_all(options.results, note, need), note)
    drawn = [curves.average(each, options.metric, options.x, note) for each in groups]
    families = list(dict.fromkeys(each.family for each in drawn))
    drawn.sort(key=lambda each: families.index(each.family))
    fig, axes = style.panels(len(families))
    looks = style.cycle()
    for ax, family in zip(axes, families, strict=True):  # rewards of different tasks have nothing in common
        own = [each for each in drawn if each.family == family]
        draw(ax, own, options.metric, options.x, options.band, looks)
    style.legend_under(fig, axes, *legend(drawn, options.band))
    style.save(fig, output)
    print(table(drawn, options.metric, options.x).text())
    print(output)


def draw(ax, drawn: list[Curve], metric: str, x: str, band: str, looks=None, names=None) -> None:
    """Means and bands over one axis of cost.

    ``looks``: what is left of the figure's colours and lines. ``names`` of the series, if not their labels.
    """
    names = names or [each.label for each in drawn]
    marks = style.dots(*(each.x for each in drawn)) if x == "iteration" else {}  # others are interpolated
    for each, name, (colour, line) in zip(drawn, names, looks or style.cycle(), strict=False):
        edges = each.band(band) if each.seeds > 1 else None
        alone = style.dots(each.x) if np.isfinite(each.mean).sum() == 1 else {}  # one point is no line
        style.draw_band(ax, name, each.x, each.mean, edges, colour, line, **marks | alone)
    ax.set_xlabel(series.COSTS[x])
    style.count_axis(ax, x != "seconds")
    ax.set_ylabel(series.METRICS[metric])
    families = dict.fromkeys(each.family for each in drawn)
    ax.set_title(", ".join(families) + ": mean over seeds" * any(each.seeds > 1 for each in drawn))


def draw_both(ax, group: Group, note: script.Note, band: str) -> tuple[list[str], str]:
    """A group's reward before and after adaptation over iterations; returns the texts of the legend."""
    drawn = [curves.average(group, metric, "iteration", note) for metric in ("after", "before")]
    names = [f"{when} adaptation" for when in ("after", "before")]
    draw(ax, drawn, "after", "iteration", band, names=names)
    ax.set_ylabel("test reward per episode")
    return names, bands.describe(band, [each.seeds for each in drawn])


def legend(drawn: list[Curve], band: str) -> tuple[list[str], str]:
    """Texts of the curves, and what the band is."""
    texts = [f"{each.label} ({each.seeds} seed{'s' * (each.seeds > 1)})" for each in drawn]
    return texts, bands.describe(band, [each.seeds for each in drawn])


def table(drawn: list[Curve], metric: str, x: str) -> Table:
    """First and last mean of each curve."""
    rows = []
    for each in drawn:
        ends = []
        for index in (0, -1):
            values = each.row(index)
            error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else float("nan")
            ends += [float(values.mean()) if values.size else float("nan"), float(error)]
        rows.append((each.label, each.seeds, *(edge.item() for edge in (each.x[0], each.x[-1])), *ends))
    title = f"{series.METRICS[metric]}: mean and its standard error over seeds, by {series.COSTS[x]}"
    return Table(title, ("group", "seeds", "from", "to", "first", "+-", "last", "+-"), rows)


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = script.parser(
        "learning_curves",
        "Learning curves of any set of runs. Runs whose settings are equal except "
        f"{', '.join(IGNORED)} are one group: a line at their mean, a band over their seeds. The legend names the "
        "settings in which groups differ. Running files are welcome; a group is drawn as far as its shortest run. Also "
        "prints a table.",
    )
    parser.add_argument(
        "--x",
        choices=series.COSTS,
        default="iteration",
        help="horizontal axis: meta-iterations, or the rollouts or environment steps that training had taken, or the "
        "seconds that the run had, tests and writing included, by then; runs that differ in cost are interpolated to "
        "equal cost before they are averaged (default: "
        "iteration)",
    )
    parser.add_argument(
        "--metric",
        choices=series.METRICS,
        default="after",
        help="test reward after or before adaptation, mean over test tasks and repeats, or the training value "
        "meta_value (default: after)",
    )
    script.add_band(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

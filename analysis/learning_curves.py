"""Learning curves of any set of runs, grouped by the settings in which they differ, averaged over seeds.

Example: python analysis/learning_curves.py results/*.h5 --x rollouts
"""

import argparse
import sys
import textwrap
from pathlib import Path

import series
import style
from groups import FEWEST_FOR_QUARTILES, IGNORED, Group, group

from esmaml_mpi.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Draw and tabulate the groups; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        output = style.check_output(options.output)
        need = "train" if options.metric == "meta_value" else "test"
        groups = group([series.load(path, need) for path in options.results], options.metric, options.x)
        _print_table(groups, options.metric)
        style.save(_draw(groups, options.metric, options.x), output)
    except UserError as error:
        print(f"learning_curves: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print(output)
    return 0


def _draw(groups: list[Group], metric: str, x: str):
    texts = ["\n".join(textwrap.wrap(_caption(each), 88, subsequent_indent="    ")) for each in groups]
    lines = sum(text.count("\n") + 1 for text in texts)
    fig, (ax,) = style.figure(width=7.2, height=4.3 + 0.19 * lines)
    for each, text, (colour, line) in zip(groups, texts, style.cycle(), strict=False):
        marker = "o" if len(each.x) < 20 else None
        ax.plot(each.x, each.mean, color=colour, ls=line, marker=marker, ms=3.5, label=text)
        if each.seeds > 1:
            low, high, _ = each.band()
            ax.fill_between(each.x, low, high, color=colour, alpha=0.16, lw=0)
    ax.set_xlabel(series.COSTS[x])
    ax.locator_params(axis="x", integer=x != "seconds")
    ax.set_ylabel(series.METRICS[metric])
    families = dict.fromkeys(each.family for each in groups)
    ax.set_title(", ".join(families) + ": mean over seeds" * any(each.seeds > 1 for each in groups))
    style.legend_below(ax, columns=1)
    return fig


def _caption(each: Group) -> str:
    if each.seeds == 1:
        return f"{each.label} (1 seed)"
    return f"{each.label} ({each.seeds} seeds, band: {each.band()[2]})"


def _print_table(groups: list[Group], metric: str) -> None:
    rows = [("group", "seeds", "iterations", "first", "last")]
    for each in groups:
        span = f"{each.iterations[0]} to {each.iterations[-1]}"
        rows.append((each.label, str(each.seeds), span, each.at(0), each.at(-1)))
    width = [max(len(row[i]) for row in rows) for i in range(5)]
    print(f"{series.METRICS[metric]}: mean +- standard error over seeds")
    for label, *cells in rows:
        print("  ".join([label.ljust(width[0]), *(cell.rjust(width[i]) for i, cell in enumerate(cells, 1))]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="learning_curves",
        description="Learning curves of any set of runs. Runs whose settings are equal except "
        f"{', '.join(IGNORED)} are one group: a line at their mean, a band over their seeds (quartiles; min to max if "
        f"there are fewer than {FEWEST_FOR_QUARTILES}). The legend names the settings in which groups differ. Running "
        "files are welcome; a group is drawn as far as its shortest run. Also prints a table.",
    )
    parser.add_argument("results", metavar="RESULTS", nargs="+", type=Path, help="results files, finished or running")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("learning_curves.png"),
        help="figure to write: .png, .pdf or .svg (default: learning_curves.png in the current folder)",
    )
    parser.add_argument(
        "--x",
        choices=series.COSTS,
        default="iteration",
        help="horizontal axis: meta-iterations, or the rollouts, environment steps or seconds that training had taken "
        "by then, mean over seeds (default: iteration)",
    )
    parser.add_argument(
        "--metric",
        choices=series.METRICS,
        default="after",
        help="test reward after or before adaptation, mean over test tasks and repeats, or the training value "
        "meta_value (default: after)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

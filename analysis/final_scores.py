"""A table of final test scores with bootstrap intervals, as text, CSV or Markdown.

Example: python analysis/final_scores.py results/*.h5 --format markdown
"""

import argparse
import sys
from pathlib import Path

import bootstrap
import script
import series
import style
from groups import group
from scores import Score, add_option, scored
from tables import FORMS, Table

from esmaml_mpi.errors import UserError

SUFFIXES = (".txt", ".csv", ".md")
UNKNOWN = float("nan")
UPDATES = {"iteration": "updates"}


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Tabulate; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    if options.output:
        style.check_output(options.output, SUFFIXES)
    groups = group(series.load_all(options.results, note), note)
    scores, families = scored(groups, options.equal, note), dict.fromkeys(each.family for each in groups)
    text = table(scores, ", ".join(families)).render(options.format)
    if options.output is None:
        print(text)
        return
    try:
        options.output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {options.output}: {error.strerror or error}.") from error
    print(options.output)


def table(scores: list[Score], task: str) -> Table:
    """Mean, interval and range over seeds of each group; ``task`` is named in the title."""
    rows = []
    for each in scores:
        after = each.after
        ends = (float(after.min()), float(after.max())) if after.size else (UNKNOWN, UNKNOWN)
        means = [float(values.mean()) if values.size else UNKNOWN for values in (each.before, after)]
        rows.append((each.label, after.size, each.missing, each.at, *means, *each.interval, *ends))
    level, by = f"{100 * bootstrap.LEVEL:g} %", scores[0].by
    instant = "at the end of training" if by == "iteration" else f"at equal {series.COSTS[by]}"
    columns = ("group", "seeds", "failed", UPDATES.get(by, by), "before", "after")
    columns += (f"{level} low", "high", "worst", "best")
    title = (
        f"{task}: test reward per episode {instant}, before and after adaptation: mean over seeds, "
        f"{level} bootstrap interval of the mean after adaptation, worst and best seed"
    )
    few = min((each.after.size for each in scores if each.after.size > 1), default=0)
    if few and bootstrap.most_confidence(few) < bootstrap.LEVEL:
        title += f" ({few} seeds cannot give more than {100 * bootstrap.most_confidence(few):.3g} %)"
    return Table(title + ".", columns, rows)


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = script.parser(
        "final_scores",
        "Test reward before and after adaptation at the end of training: mean over seeds, bootstrap interval of the "
        "mean, worst and best seed. Runs are grouped as in learning_curves. A group whose runs have not all got as far "
        "is scored at the last iteration that all of them have.",
        figure=False,
    )
    add_option(parser)
    parser.add_argument("--format", choices=FORMS, default="text", help="numbers are rounded except in csv")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help=f"file to write, {', '.join(SUFFIXES)} (default: the terminal)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

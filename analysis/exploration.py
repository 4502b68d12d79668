"""Exploration paths of several runs side by side: what the unadapted policy does, what adaptation tries, what it finds.

Example: python analysis/exploration.py results/es.h5 results/other.h5
"""

import argparse
import itertools
import math
import sys

import interactive
import numpy as np
import panels
import script
import series
import style
from explored import Explored, explore
from groups import Group, group

from esmaml_mpi.errors import UsageError
from esmaml_mpi.results.reader import Results

MOST_RUNS = 6  # side by side; of more, nothing can be seen
WIDTH = 3.9  # of a panel, inches
FAMILIES = [name for name, draw in panels.PANELS.items() if draw is panels.draw_arena]


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Draw; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    output = style.check_output(options.output)
    if len(options.results) > MOST_RUNS:
        raise UsageError(f"{len(options.results)} results files: at most {MOST_RUNS} fit side by side; choose some.")
    runs = [series.load(path, note, "parameters") for path in options.results]
    for run in runs:
        if run.config.task.name not in FAMILIES:
            raise UsageError(
                f"{run.path}: paths are drawn of {', '.join(FAMILIES)}, not of {run.config.task.name}, whose "
                "observations have no positions."
            )
    explored = [explore(run, options.at, options.adaptations, note) for run in runs]
    style.save(draw(explored, titles(group(runs, note), runs)), output)
    print(output)


def titles(groups: list[Group], runs: list[Results]) -> list[str]:
    """The label of each run's group; and its seed where others of that label are beside it."""
    labels = {run.path: each.label for each in groups for run in each.runs}
    own = [labels.get(run.path, str(run.path)) for run in runs]  # the same run given twice has lost its group
    return [
        f"{label}, seed {run.config.run.seed}" if own.count(label) > 1 else label
        for label, run in zip(own, runs, strict=True)
    ]


def draw(explored: list[Explored], names: list[str]):
    """Two rows: what is tried, and what has come of it; a column for each meta-policy, all to the same scale."""
    columns = len(explored) if len(explored) > 1 else 2  # a lone one has its two panels side by side
    rows = 2 * len(explored) // columns
    fig, axes = style.figure(columns, WIDTH * columns + 0.4, (WIDTH + 0.6) * rows + 0.4, rows=rows)
    fig.get_layout_engine().set(h_pad=0.12)
    shown = []
    shown_ids = itertools.zip_longest(*(own.tasks for own in explored))
    told = [" / ".join(str(i) for i in dict.fromkeys(ids) if i is not None) for ids in shown_ids]  # of each colour
    for own, name, above, below in zip(explored, names, axes, axes[len(explored) :], strict=False):
        for ax, paths, look in ((above, own.tried, dict(lw=0.8, alpha=0.45)), (below, own.after, {})):
            panels.draw_goals(ax, own.arena)
            for i, lines in enumerate(panels.draw_paths(ax, paths, ends=ax is below, **look)):
                interactive.tell(f"task {told[i]}", lines, _steps(paths[i]) if ax is below else ())
            panels.draw_unadapted(ax, own.before)
            everything = [own.arena.goals, own.before, *(path for each in paths for path in each)]
            shown.append(panels.seen(ax, own.arena.limit, everything))
        above.set_title(
            f"{style.wrapped(name, 40)}\niteration {own.iteration}, {len(own.tried[0])} rollouts a task", fontsize=10
        )
        part = f", {len(own.tasks)} of {own.all_tasks} test tasks" * (len(own.tasks) < own.all_tasks)
        many = "policies" if own.adaptations > 1 else "policy"
        below.set_title(f"{own.adaptations} adapted {many} a task{part}", fontsize=10)
    for own, above, below in zip(explored, axes, axes[len(explored) :], strict=False):
        panels.frame(above, own.arena.limit, max(shown))
        panels.frame(below, own.arena.limit, max(shown))
    handles = [handle for handle in panels.arena_handles(told) if handle.get_label().strip()]
    across = min(len(handles), math.floor(WIDTH * columns / 1.1))
    legend = fig.legend(handles=handles, loc="outside lower center", ncols=across)
    interactive.name_in(legend, [handle.get_label() for handle in handles])
    return fig


def _steps(paths: list[np.ndarray]) -> list[tuple[float, float, str, str]]:
    """What is said of each point of some paths."""
    return [(x, y, f"step {i}", f"x {x:.3g}, y {y:.3g}") for path in paths for i, (x, y) in enumerate(path.tolist())]


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = script.parser(
        "exploration",
        f"Paths of {', '.join(FAMILIES)}, a column for each results file: above, everything that adaptation tries, "
        "below, the policies that it ends with; the policy before adaptation in both. Fresh rollouts, with randomness "
        "keyed by the run's seed.",
    )
    parser.add_argument(
        "--at",
        metavar="WHEN",
        type=script.instant,
        default="last",
        help="parameters whose paths are drawn: last, best (by test reward), or an iteration (default: last)",
    )
    parser.add_argument(
        "--adaptations", metavar="N", type=script.count(100), default=1, help="adaptations per task (default: 1)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

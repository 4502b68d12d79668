"""Exploration paths of several runs side by side: what the unadapted policy does, what adaptation tries, what it finds.

Example: python analysis/exploration.py results/es.h5 results/other.h5
"""

import argparse
import itertools
import math
import sys

import courses
import interactive
import numpy as np
import panels
import script
import series
import style
from behaviour import Behaviour
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
    style.save(draw(runs, titles(group(runs, note), runs), options.at, options.adaptations, note), output)
    print(output)


def titles(groups: list[Group], runs: list[Results]) -> list[str]:
    """The label of each run's group; and its seed where others of that label are beside it."""
    labels = {run.path: each.label for each in groups for run in each.runs}
    own = [labels.get(run.path, str(run.path)) for run in runs]  # the same run given twice has lost its group
    return [
        f"{label}, seed {run.config.run.seed}" if own.count(label) > 1 else label
        for label, run in zip(own, runs, strict=True)
    ]


def draw(runs: list[Results], names: list[str], at: str | int, adaptations: int, note: script.Note):
    """Two rows: what is tried, and what has come of it; a column for each run, all to the same scale."""
    columns = len(runs) if len(runs) > 1 else 2  # a lone run has its two panels side by side
    rows = 2 * len(runs) // columns
    fig, axes = style.figure(columns, WIDTH * columns + 0.4, (WIDTH + 0.6) * rows + 0.4, rows=rows)
    fig.get_layout_engine().set(h_pad=0.12)
    views, shown = [], []
    shown_ids = itertools.zip_longest(*(run.test_task_ids[: len(style.COLOURS)] for run in runs))
    told = [" / ".join(str(i) for i in dict.fromkeys(ids) if i is not None) for ids in shown_ids]  # of each colour
    for run, name, above, below in zip(runs, names, axes, axes[len(runs) :], strict=False):
        tasks = run.test_task_ids[: len(style.COLOURS)]
        behaviour = Behaviour(run, at, tasks, adaptations)
        if behaviour.failed:
            note(f"{run.path}: {behaviour.failed} of {len(behaviour.units)} adaptations failed")
        before, tried = panels.longest(behaviour.paths("before")), courses.explored(behaviour)
        after = behaviour.paths("after")
        limit = behaviour.setup.family.position_limit
        for ax, paths, look in ((above, tried, dict(lw=0.8, alpha=0.45)), (below, after, {})):
            goals = panels.draw_goals(ax, behaviour.setup, tasks)
            for i, lines in enumerate(panels.draw_paths(ax, paths, ends=ax is below, **look)):
                interactive.tell(f"task {told[i]}", lines, _steps(paths[i]) if ax is below else ())
            panels.draw_unadapted(ax, before)
            shown.append(panels.seen(ax, limit, [goals, before, *(path for own in paths for path in own)]))
            views.append((ax, limit))
        above.set_title(
            f"{style.wrapped(name, 46)}\niteration {behaviour.iteration}, {len(tried[0])} rollouts a task", fontsize=10
        )
        part = f", {len(tasks)} of {len(run.test_task_ids)} test tasks" * (len(tasks) < len(run.test_task_ids))
        many = "policies" if adaptations > 1 else "policy"
        below.set_title(f"{adaptations} adapted {many} a task{part}", fontsize=10)
    for ax, limit in views:
        panels.frame(ax, limit, max(shown))
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

"""Picture of one run: its learning curve and, for point tasks, paths of the meta-policy before and after adaptation.

Example: python analysis/plot_run.py results/four_corners.h5
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import panels
import script
import series
import style
from behaviour import Behaviour, can_simulate

from esmaml_mpi.config.makers import best_possible

MOST_TASKS = {"sinusoid": 3}  # more curves than this cannot be told apart; else as many as there are colours


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Draw one run; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    output = options.output or options.results.with_suffix(".png")
    plot(options.results, output, options.at, options.adaptations, note)
    print(output)


def plot(path: Path, output: Path, at: str | int, adaptations: int, note: script.Note) -> None:
    """Draw the run in results file ``path``."""
    results = series.load(path, note)
    style.check_output(output)
    results.parameters(at)  # a wrong ``at`` is an error for every family
    draw = panels.PANELS.get(results.config.task.name)
    if draw is not None and not can_simulate(results):
        note("what it does is not drawn: that would import code that is not this program's")
        draw = None
    if draw is None:
        fig, (left,) = style.figure(width=6.6, height=4.8)
    else:
        fig, (left, right) = style.figure(2, width=11.6, height=5.2, ratios=(1.12, 1))
        tasks = results.test_task_ids[: MOST_TASKS.get(results.config.task.name, len(style.COLOURS))]
        behaviour = Behaviour(results, at, tasks, adaptations)
        draw(right, behaviour)
        right.set_title(_describe(behaviour, len(results.test_task_ids)))
        if behaviour.failed:
            note(f"{behaviour.failed} of {len(behaviour.units)} adaptations failed")
    missing = series.failures(results, "before") + series.failures(results, "after")
    if missing:
        note(f"{missing} test returns are missing (failed rollouts) and left out")
    _draw_curve(left, results)
    style.save(fig, output)


def _describe(behaviour: Behaviour, tasks: int) -> str:
    shown, each = len(behaviour.tasks), behaviour.adaptations
    title = f"Iteration {behaviour.iteration}: {each} adaptation{'s' * (each > 1)} per task"
    return f"{title}, {shown} of {tasks} test tasks" if shown < tasks else title


def _draw_curve(ax, results) -> None:
    """Test reward before and after adaptation, and the training value."""
    config, test = results.config, results.history["test"]
    value = dict(color=style.COLOURS[4], lw=0.8, alpha=0.45)  # noisy, and not what the picture is about
    ax.plot(*series.curve(results, "meta_value"), label="training value (meta_value)", **value)
    marker = "o" if len(test["iteration"]) < 20 else None
    for when, colour in (("before", style.GREY), ("after", style.COLOURS[0])):
        ax.plot(*series.curve(results, when), color=colour, marker=marker, ms=3.5, label=f"test, {when} adaptation")
    returns = test["after"].reshape(len(test["after"]), -1)
    seen = np.isfinite(returns).any(axis=1)
    known = np.where(np.isfinite(returns), returns, np.nan)
    known[~seen] = 0.0  # quartiles of nothing: not drawn
    quartiles = np.where(seen, np.nanquantile(known, [0.25, 0.75], axis=1), np.nan)
    band = dict(color=style.COLOURS[0], alpha=0.18, lw=0, label="its quartiles over test tasks and repeats")
    ax.fill_between(test["iteration"], *quartiles, **band)
    handles = ax.get_legend_handles_labels()[0]
    for value, text, above in _bounds(config):
        ax.axhline(value, color=style.BLACK, lw=1, ls=":")
        place = dict(xytext=(4, 3), va="bottom") if above else dict(xytext=(4, -4), va="top")
        ax.annotate(
            text, (0, value), xycoords=ax.get_yaxis_transform(), textcoords="offset points", fontsize=9, **place
        )
        ax.margins(y=0.08)
    ax.set_xlabel("meta-iterations")
    ax.locator_params(axis="x", integer=True)
    ax.set_ylabel("reward per episode")
    task = "" if config.task.name in config.run.name else f" ({config.task.name})"
    ax.set_title(style.plain(f"{config.run.name}{task}, seed {config.run.seed}"))
    value, before, after, quartiles = handles
    style.legend_below(ax, [after, quartiles, before, value])


def _bounds(config) -> list[tuple[float, str, bool]]:
    """Rewards to compare with, their names, and whether the name goes above the line."""
    if config.task.name not in panels.PANELS:  # a picture of another family needs the file alone, not the family
        return []
    best = best_possible(config, config.test_tasks)
    bounds = [] if best is None else [(best, f"best possible {best:.1f}", True)]
    options = config.task.options
    if config.task.name == "four_corners" and options["reward"] == "bowl" and options["penalty"] == 0:
        bounds.append((-4.0 * config.task.horizon, "never sees the goal", False))
    return bounds


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="plot_run",
        description="Draw one figure of one run: test reward before and after adaptation against meta-iterations. "
        "Beside it are, for four_corners, navigation_2d and six_circles, the paths of the meta-policy "
        "before and after adaptation, and for sinusoid its predictions. Paths are fresh rollouts, not "
        "those of the curve.",
    )
    parser.add_argument("results", metavar="RESULTS", type=Path, help="results file of a run, finished or running")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="figure to write, .png, .pdf or .svg (default: RESULTS with suffix .png)",
    )
    parser.add_argument(
        "--at",
        metavar="WHEN",
        type=script.instant,
        default="last",
        help="parameters whose paths are drawn: last, best (by test reward), or an iteration (default: last)",
    )
    parser.add_argument(
        "--adaptations",
        metavar="N",
        type=script.count(100),
        default=3,
        help="adaptations drawn for each task (default: 3)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

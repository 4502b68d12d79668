"""One self-contained HTML page about any set of results files: figures, tables, tests, failures and provenance.

Example: python analysis/report.py results/*.h5 --output report.html
"""

import argparse
import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import adaptation_curves
import comparison
import curves
import exploration
import final_scores
import learning_curves
import provenance_tables
import script
import series
import style
import timing
from behaviour import can_simulate
from explored import explore
from groups import Group, group, settings, told, worth
from page import Page, Section
from scores import final

from esmaml_mpi.errors import UserError
from esmaml_mpi.results.reader import Results
from esmaml_mpi.results.repair import looked_at

SIDE_BY_SIDE = 3  # runs in a figure of paths
MOST_COMPARED = 8  # groups; of more, all pairs are no longer read, and cost each of them its significance


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Write the page; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    style.check_output(options.output, (".html", ".htm"))
    runs, unread, changed = [], [], []
    for path in options.results:
        try:
            runs.append(looked_at(path, changed.append))
        except UserError as error:
            if not path.is_file():
                raise
            unread.append(error)
    if not runs:
        raise unread[0]
    for text in [*changed, *(f"left out: {error}" for error in unread)]:
        note(text)
    made = build(runs, options.band, options.repeats, not options.stored)
    for title, texts in (("Changed since they were written", changed), ("Left out", map(str, unread))):
        if texts := list(texts):
            with made.section(title) as section:
                for text in texts:
                    section.note(text)
    try:
        options.output.write_text(made.html(), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {options.output}: {error.strerror or error}.") from error
    print(options.output)


def build(runs: list[Results], band: str, repeats: int, rollouts: bool) -> Page:
    """The page; without ``rollouts`` what the files hold and nothing else."""
    kept = Page(f"Report on {runs[0].path}" if len(runs) == 1 else f"Report on {len(runs)} runs")
    tested = [run for run in runs if len(run.history["test"]["iteration"])]
    _by_task(kept.section("Final scores"), tested, _scores)
    _by_task(kept.section("Learning curves"), tested, lambda *part: _learning(*part, band))
    if len(runs) > 1:
        _by_task(kept.section("Comparison"), tested, _comparison)
    if rollouts:
        _by_task(kept.section("During one adaptation"), tested, lambda *part: _adaptation(*part, band, repeats))
        _by_task(kept.section("Exploration"), tested, _exploration)
    with kept.section("Where the time goes") as section:
        timed = [run for run in runs if len(run.history["timing"]["iteration"])]
        if not timed:
            raise UserError("no run has finished an iteration yet.")
        placed = timing.measured(timed, section.note)
        if not placed:
            raise UserError("no run is left.")
        section.figure(timing.draw(placed), "Share of the phases of an iteration on rank 0")
        section.table(timing.table(placed))
    with kept.section("Failures, redraws and recoveries") as section:
        section.table(provenance_tables.incidents(runs))
    with kept.section("Settings and provenance") as section:
        groups = group(runs, section.note)
        section.table(provenance_tables.members(groups))
        section.table(provenance_tables.differences(groups))
        for table in provenance_tables.launches(runs):
            section.table(table)
        texts = {f"Resolved configuration of {run.path}": run.config.to_toml() for run in runs}
        section.folded(f"Resolved configurations of {len(runs)} runs", texts)
    return kept


def _by_task(opened, runs: list[Results], add: Callable[[Section, str, list[Group]], None]) -> None:
    """Add the groups of each task to a section: rewards of different tasks have nothing in common."""
    with opened as section:
        if not runs:
            raise UserError("no run has been tested yet.")
        tasks = [worth(settings(run)) for run in runs]
        for task in [task for i, task in enumerate(tasks) if task not in tasks[:i]]:
            title = ", ".join([task["task.name"], *(f"{k} = {v}" for k, v in told(task, tasks) if k != "task.name")])
            with section.attempt():
                own = [run for run, other in zip(runs, tasks, strict=True) if other == task]
                add(section, title, group(own, section.note))


def _scores(section: Section, title: str, groups: list[Group]) -> None:
    section.table(final_scores.table([final(each, section.note) for each in groups], title))


def _learning(section: Section, title: str, groups: list[Group], band: str) -> None:
    """Of one run before and after adaptation, by iteration; of several four panels: by iteration and by each cost."""
    if len(groups) == 1 and len(groups[0].runs) == 1:
        fig, (ax,) = style.figure(width=8.6, height=4.4)
        texts, about = learning_curves.draw_both(ax, groups[0], section.note, band)
        ax.set_title(style.plain(title))
        style.legend_under(fig, [ax], texts, about)
        section.figure(fig, f"Learning curves of {title}, before and after adaptation")
        return
    fig, axes = style.figure(2, 12.6, 7.6, rows=2)
    named = [curves.average(each, "after", "iteration", section.note) for each in groups]
    for ax, x in zip(axes, series.COSTS, strict=True):
        ax.set_axis_off()
        with section.attempt():  # runs that were tested only at their ends may have no equal cost
            drawn = [curves.average(each, "after", x, section.note) for each in groups]
            learning_curves.draw(ax, drawn, "after", x, band)
            ax.set_title("")
            ax.set_axis_on()
    fig.suptitle(style.plain(title))
    style.legend_under(fig, axes[:1], *learning_curves.legend(named, band))
    section.figure(fig, f"Learning curves of {title}")


def _comparison(section: Section, title: str, groups: list[Group]) -> None:
    """All pairs of groups."""
    pairs = list(itertools.combinations(groups, 2))
    if not pairs:
        section.note(f"{title}: one group, so there is nothing to compare")
    elif len(groups) > MOST_COMPARED:
        section.note(
            f"{title}: {len(groups)} groups make {len(pairs)} pairs, too many to test at once; compare chosen ones "
            "with `esmaml compare`"
        )
    else:
        compared = comparison.compare(pairs, section.note)
        section.figure(comparison.draw(compared), f"Differences of final test reward with their intervals, {title}")
        section.table(comparison.table(compared, title))


def _adaptation(section: Section, title: str, groups: list[Group], band: str, repeats: int) -> None:
    groups = _known(section, title, groups)
    if not groups:
        return
    drawn = adaptation_curves.curves(groups, "last", repeats, section.note)
    over = "seeds" if any(len(each.rewards) > 1 for each in drawn) else "adaptations"
    fig, (ax,) = style.figure(width=8.6, height=4.4)
    style.legend_under(fig, [ax], *adaptation_curves.draw(ax, drawn, band, over))
    ax.set_title(style.plain(f"{title}: during one adaptation"))
    section.figure(fig, f"Reward against rollouts used, {title}")
    section.table(adaptation_curves.table(drawn))


def _known(section: Section, title: str, groups: list[Group]) -> list[Group]:
    """The groups whose rollouts can be made again without importing anybody's code."""
    known = [each for each in groups if all(can_simulate(run) for run in each.runs)]
    if len(known) < len(groups):
        section.note(f"{title}: runs of code that is not this program's are not adapted again, nothing is imported")
    return known


def _exploration(section: Section, title: str, groups: list[Group]) -> None:
    """The first seed of each group, three groups side by side."""
    if groups[0].family not in exploration.FAMILIES:
        section.note(f"{title}: its observations have no positions to draw")
        return
    groups = _known(section, title, groups)
    for start in range(0, len(groups), SIDE_BY_SIDE):
        part = groups[start : start + SIDE_BY_SIDE]
        names = [f"{each.label}, seed {each.seeds[0]}" for each in part]
        fig = exploration.draw([explore(each.runs[0], "last", 1, section.note) for each in part], names)
        section.figure(fig, f"Paths of {title}: " + "; ".join(names))


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = script.parser(
        "report",
        "Write one HTML page with everything that analysis/ has to say about the runs: final scores, "
        "learning curves, comparisons, adaptation curves and paths (fresh rollouts), time, failures, "
        "settings and provenance. The page needs no other file and no network. Point at a figure for "
        "its values. Click a name in a legend to hide that series or show it again. What cannot be "
        "said of these runs is stated in its place.",
        figure=False,
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, default=Path("report.html"), help="page to write (default: report.html)"
    )
    parser.add_argument(
        "--repeats",
        metavar="N",
        type=script.count(1000),
        default=adaptation_curves.REPEATS,
        help=f"adaptations per test task of the adaptation curves (default: {adaptation_curves.REPEATS}, as that of "
        "adaptation_curves.py, whose numbers these are)",
    )
    parser.add_argument("--stored", action="store_true", help="no fresh rollouts: only what the files hold")
    script.add_band(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

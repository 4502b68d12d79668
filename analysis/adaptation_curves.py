"""Adaptation curves: reward against the rollouts that one adaptation has used, of trained meta-policies adapted again.

Example: python analysis/adaptation_curves.py results/*.h5 --repeats 10
"""

import argparse
import dataclasses
import sys

import bands
import courses
import numpy as np
import script
import series
import style
from behaviour import Behaviour
from groups import Group, group
from tables import Table

from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.results.reader import Results

OVER = ("seeds", "adaptations")
REPEATS = 5  # adaptations per test task, unless said


@dataclasses.dataclass(frozen=True)
class AdaptationCurve:
    """``rewards`` (seeds, R, tasks, repeats) after ``rollouts`` (R,); ``apart``: each point is another budget."""

    label: str
    family: str
    rollouts: np.ndarray
    rewards: np.ndarray
    apart: bool

    @property
    def runs(self) -> np.ndarray:
        """Mean (seeds, R) over tasks and repeats."""
        return series.finite_mean(self.rewards, (2, 3))

    def samples(self, over: str) -> np.ndarray:
        """What the band is over, (n, R): the seeds, or all adaptations of all seeds."""
        if over == "seeds":
            return self.runs
        return self.rewards.swapaxes(1, 2).swapaxes(2, 3).reshape(-1, len(self.rollouts))


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Adapt, draw and tabulate; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    output = style.check_output(options.output)
    for override in options.set:
        if not override.startswith("adaptation."):
            raise UsageError(f"--set {override}: only adaptation.* can be changed here.")
    groups = group(series.load_all(options.results, note, "parameters"), note)
    drawn = curves(groups, options.at, options.repeats, note, tuple(options.set), options.queries)
    over = options.over or ("seeds" if any(len(each.rewards) > 1 for each in drawn) else "adaptations")
    families, changed = list(dict.fromkeys(each.family for each in drawn)), "; ".join(options.set)
    fig, axes = style.panels(len(families))
    looks, texts, notes = style.cycle(), [], {}
    for ax, family in zip(axes, families, strict=True):  # rewards of different tasks have nothing in common
        own, about = draw(ax, [each for each in drawn if each.family == family], options.band, over, looks)
        texts += own
        notes |= dict.fromkeys(filter(None, about.split("; ")))
        ax.set_title(style.wrapped(f"{family}: during one adaptation{f' with {changed}' * bool(changed)}", 80))
    style.legend_under(fig, axes, texts, "; ".join(notes))
    style.save(fig, output)
    print(table(drawn).text())
    print(output)


def curves(
    groups: list[Group], at: str | int, repeats: int, note: script.Note, overrides=(), queries=None
) -> list[AdaptationCurve]:
    """A curve for each group.

    An operator that asks for rewards once has nothing to show on the way: it adapts with several K instead, ``queries``
    or K, K/2, K/4 ...
    """
    return [_curve(each, at, repeats, note, overrides, queries) for each in groups]


def _curve(group: Group, at, repeats, note, overrides, queries) -> AdaptationCurve:
    followed = []
    for run in group.runs:
        whole = Behaviour(run, at, run.test_task_ids, repeats, overrides=overrides)
        apart = whole.operator.yields == 1 and hasattr(whole.operator, "queries")
        followed.append(_budgets(whole, run, at, overrides, queries, note) if apart else courses.rewards(whole, note))
    rollouts = followed[0][0]
    rewards = np.array([rewards for _, rewards in followed])
    return AdaptationCurve(group.label, group.family, rollouts, rewards, apart)


def _budgets(whole: Behaviour, run: Results, at, overrides, queries, note) -> tuple[np.ndarray, np.ndarray]:
    """As ``courses.rewards``, each point an adaptation of its own with that K; the first is no adaptation."""
    chosen = sorted(queries or _halves(whole.operator.queries))
    used, rewards = [], []
    for count in chosen:
        try:
            more = (*overrides, f"adaptation.queries={count}")
            behaviour = Behaviour(run, at, whole.tasks, whole.adaptations, overrides=more)
        except ConfigError as error:
            if queries:
                raise
            note(f"{run.path}: no point at K = {count}: {error}")
            continue
        own_used, own = courses.rewards(behaviour, note)
        if not used:
            used, rewards = [own_used[0]], [own[0]]
        used.append(own_used[-1])
        rewards.append(own[-1])
    return np.array(used), np.array(rewards)


def _halves(queries: int) -> list[int]:
    """K, K/2, K/4 ... as long as they are whole numbers or, below, halves rounded down."""
    counts = []
    while queries:
        counts.append(queries)
        queries //= 2
    return counts


def draw(ax, drawn: list[AdaptationCurve], band: str, over: str, looks=None) -> tuple[list[str], str]:
    """Means and bands; returns the texts of the legend. ``looks``: as in learning_curves."""
    dots = style.dots(*(each.rollouts for each in drawn))
    for each, (colour, line) in zip(drawn, looks or style.cycle(), strict=False):
        samples = each.samples(over)
        edges = bands.edges(samples, band) if len(samples) > 1 else None
        marks = dict(marker="D", ms=4.5) if each.apart else dots
        style.draw_band(ax, each.label, each.rollouts, series.finite_mean(each.runs, 0), edges, colour, line, **marks)
    ax.set_xlabel("rollouts used by the adaptation, pivots included")
    ax.set_ylabel("reward per episode of the policy reached")
    style.count_axis(ax)
    seeds = [len(each.rewards) for each in drawn]
    texts = [f"{each.label} ({n} seed{'s' * (n > 1)})" for each, n in zip(drawn, seeds, strict=True)]
    notes = [bands.describe(band, [len(each.samples(over)) for each in drawn], over)]
    if any(each.apart for each in drawn):
        notes.append("diamonds: operators of one step, each point an adaptation with a K of its own")
    return texts, "; ".join(filter(None, notes))


def table(drawn: list[AdaptationCurve]) -> Table:
    """Where each curve begins, is halfway and ends."""
    rows = []
    for each in drawn:
        mean = series.finite_mean(each.runs, 0)
        half = int(np.searchsorted(each.rollouts, each.rollouts[-1] / 2))
        cells = [cell for i in (0, half, -1) for cell in (int(each.rollouts[i]), float(mean[i]))]
        rows.append((each.label, len(each.rewards), *cells[1:]))
    columns = (
        "group",
        "seeds",
        "reward unadapted",
        "rollouts halfway",
        "reward there",
        "rollouts in all",
        "reward adapted",
    )
    repeats = " or ".join(map(str, sorted({each.rewards.shape[-1] for each in drawn})))
    title = (
        "reward per episode after so many rollouts of an adaptation, mean over test tasks, seeds and fresh "
        f"adaptations, {repeats} of each task: not the run's own tests, from which they differ by chance"
    )
    return Table(title, columns, rows)


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = script.parser(
        "adaptation_curves",
        "Draw reward against the rollouts used during one adaptation. Each trained meta-policy is "
        "adapted again to its test tasks, and after every batch of queries the policy reached is "
        "scored. Operators that have but one batch adapt with several K instead. A line is a mean "
        "over tasks, repeats and seeds. Runs are grouped as in learning_curves. A table is printed, "
        "too.",
    )
    parser.add_argument(
        "--at",
        metavar="WHEN",
        type=script.instant,
        default="last",
        help="parameters to adapt: last, best (by test reward), or an iteration (default: last)",
    )
    parser.add_argument(
        "--repeats",
        metavar="N",
        type=script.count(1000),
        default=REPEATS,
        help=f"adaptations per test task (default: {REPEATS})",
    )
    parser.add_argument(
        "--queries",
        metavar="K",
        type=script.count(10**6),
        nargs="+",
        help="K of operators of one step (default: that of the run, its half, its quarter ...)",
    )
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help="change a setting of [adaptation] in all runs"
    )
    parser.add_argument(
        "--over", choices=OVER, help="what the band is over (default: seeds if a group has several, else adaptations)"
    )
    script.add_band(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

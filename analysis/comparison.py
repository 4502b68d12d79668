"""Whether two sets of runs differ: difference of final scores over seeds, its interval, and two tests.

Example: python analysis/comparison.py results/hc_*.h5 --against results/mc_*.h5
"""

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import bootstrap
import interactive
import intervals
import numpy as np
import script
import series
import significance
import style
from groups import Group, differing, group, label
from scores import Score, add_option, scored
from tables import Table, readable

from esmaml_mpi.errors import UsageError

LEVEL = 0.05  # of significance
MOST_ON_A_PAGE = 40  # pairs
WIDE = 100.0  # largest over smallest difference from which the axis is logarithmic


@dataclass(frozen=True)
class Pair:
    """Two groups compared; the label says in what they differ."""

    label: str
    a: Score
    b: Score

    @property
    def difference(self) -> float:
        """Mean of a less mean of b; nan if one has no score."""
        if not (self.a.after.size and self.b.after.size):
            return float("nan")
        return float(self.a.after.mean() - self.b.after.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Of the difference, see ``intervals``."""
        return intervals.of_difference(self.a.after, self.b.after)

    @property
    def seeds(self) -> tuple[int, int]:
        """Seeds that have a score."""
        return self.a.after.size, self.b.after.size


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Test, draw and tabulate; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    output = style.check_output(options.output)
    first = series.load_all(options.results, note)
    second = series.load_all(options.against, note) if options.against else []
    mine = {id(run) for run in first}
    groups = group(first + second, note, lambda run: (id(run) in mine,))
    sets = [[each for each in groups if each.kind == (wanted,)] for wanted in (True, False)]
    chosen = matched(*sets) if second else list(itertools.combinations(groups, 2))
    if not chosen:
        raise UsageError("nothing to compare: the results are of one group, or no two agree in what both sets vary.")
    # Rewards of different tasks have nothing in common; who names two sets knows what their horizons and options do.
    alike = [(a, b) for a, b in chosen if (a.family == b.family if second else a.worth == b.worth)]
    apart = "of different tasks" if second else "of different tasks, horizons or options of tasks"
    instead = "" if second else "; --against compares two sets of one task all the same"
    if not alike:
        raise UsageError(f"nothing to compare: all groups are {apart}{instead}.")
    if len(alike) < len(chosen):
        note(f"{len(chosen) - len(alike)} pairs of groups are not compared, as they are {apart}{instead}")
    chosen = alike
    pairs = compare(chosen, note, options.equal)
    pages = _pages(output, len(pairs))
    for place, shown in pages:
        style.save(draw(pairs, shown), place)
    print(table(pairs, ", ".join(dict.fromkeys(each.family for pair in chosen for each in pair))).text())
    print("\n".join(str(place) for place, _ in pages))


def _pages(output: Path, count: int) -> list[tuple[Path, slice]]:
    """Where the figures of so many pairs go, and which of them are on each: comparison.png, comparison-2.png ..."""
    number = -(-count // MOST_ON_A_PAGE)
    each = -(-count // number)
    places = [output, *(output.with_name(f"{output.stem}-{i + 1}{output.suffix}") for i in range(1, number))]
    return [(style.check_output(place), slice(i * each, min((i + 1) * each, count))) for i, place in enumerate(places)]


def matched(first: list[Group], second: list[Group]) -> list[tuple[Group, Group]]:
    """Each group of the first set with those of the second that agree in the settings which vary in both."""
    vary = set(differing([each.settings for each in first])) & set(differing([each.settings for each in second]))
    return [(a, b) for a in first for b in second if all(a.settings.get(name) == b.settings.get(name) for name in vary)]


def compare(chosen: list[tuple[Group, Group]], note: script.Note, equal: str | None = None) -> list[Pair]:
    """Scores of pairs of groups, at their ends or at an ``equal`` cost of all."""
    groups = {id(each): each for each in itertools.chain(*chosen)}
    scores = dict(zip(groups, scored(list(groups.values()), equal, note), strict=True))
    pairs = [Pair(_label(a, b), scores[id(a)], scores[id(b)]) for a, b in chosen]
    for pair in pairs:
        if pair.a.at != pair.b.at:
            note(f"{pair.label}: after {pair.a.at} and {pair.b.at} updates")
    return pairs


def _label(a: Group, b: Group) -> str:
    """What both are, and then in what they differ."""
    common = [part for part in a.told if part in b.told]
    own, other = ([part for part in each.told if part not in common] for each in (a, b))
    if len(own) == len(other) == 1 and own[0][0] == other[0][0]:
        sides = f"{label(own)} against {other[0][1]}"
    else:
        sides = f"{label(own) or 'first set'} against {label(other) or 'second set'}"
    return f"{label(common)}: " * bool(common) + sides


def verdicts(pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """p of the permutation test and of Welch's, adjusted for the number of pairs, and what the first one means."""
    tests = [significance.permutation(pair.a.after, pair.b.after) for pair in pairs]
    ps = significance.holm(np.array(tests))
    welch = significance.holm(np.array([significance.welch(pair.a.after, pair.b.after).p for pair in pairs]))
    reachable = significance.holm(np.array([significance.smallest(*pair.seeds) for pair in pairs]))
    words = []
    for pair, p, least in zip(pairs, ps, reachable, strict=True):
        if np.isnan(p):
            words.append("no scores")
        elif least > LEVEL:
            words.append(f"cannot be told: {pair.seeds[0]} against {pair.seeds[1]} seeds give p >= {least:.2g}")
        elif p > LEVEL:
            words.append("not resolved")
        else:
            words.append("higher" if pair.difference > 0 else "lower")
    return ps, welch, words


def table(pairs: list[Pair], task: str) -> Table:
    """A row for each pair; ``task`` is named in the title."""
    rows = []
    for pair, p, welch, word in zip(pairs, *verdicts(pairs), strict=True):
        test = significance.welch(pair.a.after, pair.b.after)
        raw = significance.permutation(pair.a.after, pair.b.after)
        effect = significance.hedges_g(pair.a.after, pair.b.after)
        cells = (pair.difference, *pair.interval, effect, raw, float(p), test.t, test.freedom, test.p, float(welch))
        rows.append((pair.label, *pair.seeds, *cells, word))
    columns = ("groups", "n", "m", "difference", f"{100 * bootstrap.LEVEL:g} % low", "high", "Hedges' g")
    columns += ("p", "adjusted", "Welch t", "df", "p", "adjusted", f"verdict at {100 * LEVEL:g} %")
    title = (
        f"{task}: test reward after adaptation{_instant(pairs[0].a)}, first group less second, over their n and m "
        "seeds: interval of the difference (the wider of the bootstrap's and Welch's), permutation test of the means, "
        "Welch's t test (if scores are "
        f"normal); p adjusted by Holm for {len(pairs)} comparison{'s' * (len(pairs) != 1)}. The verdict is on the "
        "permutation test."
    )
    return Table(title, columns, rows)


def _instant(score: Score) -> str:
    return "" if score.by == "iteration" else f" at {score.at:,.0f} {series.COSTS[score.by]}"


def draw(pairs: list[Pair], shown: slice = slice(None)):
    """Differences with their intervals, one below the other: those ``shown`` of all pairs, over which p is adjusted."""
    every, words = verdicts(pairs)[::2]
    pairs = pairs[shown]
    texts = [style.wrapped(pair.label, 48) for pair in pairs]
    heights = np.array([text.count("\n") + 1 for text in texts])
    places = -(np.cumsum(heights + 1.0) - heights / 2)
    fig, (ax,) = style.figure(width=9.6, height=1.3 + 0.19 * (heights + 1).sum())
    ax.axvline(0, color=style.BLACK, lw=1)
    for y, pair, p, word in zip(places, pairs, every[shown], words[shown], strict=True):
        resolved = word in ("higher", "lower")
        colour = style.COLOURS[0] if resolved else style.GREY
        drawn = ax.plot(pair.interval, (y, y), color=colour, lw=2.2, solid_capstyle="butt")
        drawn += ax.plot(pair.difference, y, "o", color=colour if resolved else "white", mec=colour, mew=1.5, ms=6)
        low, high = map(readable, pair.interval)
        said = f"difference {readable(pair.difference)} ({low} to {high})"
        interactive.tell(pair.label, drawn, [(pair.difference, y, said, f"p = {p:.3g}, {word}")])
        place = dict(xycoords=ax.get_yaxis_transform(), va="center", fontsize=9, annotation_clip=False)
        ax.annotate(f"{readable(pair.difference)}, p = {p:.3g}", (1.02, y), **place)
    ax.set_yticks(places, texts)
    ax.set_ylim(places[-1] - heights[-1] / 2 - 0.5, 0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("difference of test reward per episode, after adaptation")
    _widen(ax, pairs)
    level = f"{100 * bootstrap.LEVEL:g} % intervals (bootstrap or Welch), p of the permutation test (Holm)"
    ax.set_title(f"{level}; filled: resolved at {100 * LEVEL:g} %", fontsize=10)
    return fig


def _widen(ax, pairs: list[Pair]) -> None:
    """A logarithmic axis on both sides of 0 if the largest difference would make the smallest invisible."""
    sizes = np.array([abs(pair.difference) for pair in pairs])
    sizes = sizes[sizes > 0]
    if sizes.size and sizes.max() > WIDE * sizes.min():
        step = 10 ** np.floor(np.log10(sizes.min()))
        ax.set_xscale("symlog", linthresh=step)
        edges = np.array([(0.0, *pair.interval, pair.difference) for pair in pairs])
        low, high = 1.5 * np.nanmin(edges), 1.5 * np.nanmax(edges)
        ax.set_xlim(min(low, -step), max(high, step))
        ticks = step * 10.0 ** np.arange(0, np.ceil(np.log10(max(-low, high) / step)) + 1)
        shown = [tick for tick in (*-ticks, 0, *ticks) if low <= tick <= high]
        ax.set_xticks(shown, [f"{tick:,.0f}" if step >= 1 else f"{tick:g}" for tick in shown])
        ax.minorticks_off()


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    parser = script.parser(
        "comparison",
        "Compare final test rewards of groups of runs over seeds: difference of means with its "
        "interval, the wider of the bootstrap's and Welch's, Hedges' g, permutation test and Welch's t test. p is "
        "adjusted for the number of comparisons (Holm). Runs are grouped as in learning_curves. Without --against "
        "every group is compared with every other whose rewards are worth the same: those of the same task, horizon "
        "and options. If so few seeds cannot resolve anything, that is said.",
    )
    parser.add_argument(
        "--against",
        metavar="RESULTS",
        nargs="+",
        type=Path,
        default=[],
        help="the other set; groups of the two sets that agree in all settings which vary in both are compared",
    )
    add_option(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

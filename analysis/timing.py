"""Where the time of training goes, and how efficiently more cores are used.

Example: python analysis/timing.py results/ranks_*.h5
"""

import argparse
import sys
from dataclasses import dataclass

import interactive
import numpy as np
import script
import series
import style
from groups import Group, group
from tables import Table

from esmaml_mpi.errors import UserError
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.reader import Results

PHASES = tuple(name for name in GROUPS["timing"] if name != "iteration")
MEANINGS = {
    "broadcast": "sending theta",
    "evaluate": "rank 0's own rollouts, tests included",
    "gather": "waiting for the other ranks, gathering",
    "update": "estimate and step (serial)",
    "write": "writing the file",
    "other": "the rest",
}


@dataclass(frozen=True)
class Placed:
    """Mean cost of an iteration of a group on so many ranks and threads, over its runs and their iterations.

    ``seconds``: phase -> seconds; ``other`` is what the clock says beside the phases. ``steps``: environment steps.
    """

    group: Group
    iterations: int
    seconds: dict[str, float]
    rollouts: float
    steps: float

    @property
    def placement(self) -> str:
        """Ranks and threads, as text."""
        ranks, threads, plan = self.group.kind
        text = f"{ranks} rank{'s' * (ranks > 1)} x {threads} thread{'s' * (threads > 1)}"
        return text + ", dynamic plan" * (plan == "dynamic")

    @property
    def label(self) -> str:
        """The group's label and its placement."""
        return f"{self.group.label}, {self.placement}"

    @property
    def cores(self) -> int:
        """Ranks x threads."""
        return self.group.kind[0] * self.group.kind[1]

    @property
    def working(self) -> float:
        """Seconds of an iteration in the phases."""
        return sum(self.seconds[phase] for phase in PHASES)


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Draw and tabulate; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    output = style.check_output(options.output)
    placed = measured(series.load_all(options.results, note, "timing"), note)
    if not placed:
        raise UserError("no run is left.")
    style.save(draw(placed), output)
    print(table(placed).text())
    print(output)


def measured(runs: list[Results], note: script.Note) -> list[Placed]:
    """Costs by group and placement. A run that went on elsewhere with other ranks or threads is left out."""
    kept = []
    for run in runs:
        places = {(launch["ranks"], launch["threads"]) for launch in run.launches}
        if len(places) > 1:
            note(f"{run.path} left out: it ran on {len(places)} different numbers of ranks and threads in turn")
        elif len(run.history["recovery"]["iteration"]):
            note(f"{run.path} left out: it lost ranks on the way")
        else:
            kept.append(run)
    return [_mean(each) for each in group(kept, note, _placement)]


def _placement(run: Results) -> tuple[int, int, str]:
    return run.launches[-1]["ranks"], run.launches[-1]["threads"], run.config.run.plan


def _mean(each: Group) -> Placed:
    count = sum(len(run.history["timing"]["iteration"]) for run in each.runs)
    total = {phase: sum(run.history["timing"][phase].sum() for run in each.runs) for phase in PHASES}
    train = {name: sum(run.history["train"][name].sum() for run in each.runs) for name in series.SPENT}
    total["other"] = max(train["seconds"] - sum(total.values()), 0.0)
    seconds = {phase: float(value / count) for phase, value in total.items()}
    return Placed(each, count, seconds, float(train["rollouts"] / count), float(train["env_steps"] / count))


def efficiencies(placed: list[Placed]) -> list[float]:
    """Environment steps a second and core, over those of the same settings on the fewest cores; nan without others."""
    found = []
    for each in placed:
        same = [other for other in placed if other.group.settings == each.group.settings]
        base = min(same, key=lambda other: other.cores)
        alone = len({other.cores for other in same}) == 1
        found.append(float("nan") if alone else _rate(each) / _rate(base))
    return found


def _rate(each: Placed) -> float:
    return each.steps / each.working / each.cores


def table(placed: list[Placed]) -> Table:
    """A row for each group and placement."""
    rows = []
    for each, efficiency in zip(placed, efficiencies(placed), strict=True):
        phases = [1000 * each.seconds[phase] for phase in (*PHASES, "other")]
        rates = (each.rollouts / each.working, each.steps / each.working)
        rows.append((each.group.label, each.placement, each.iterations, *phases, *rates, efficiency))
    columns = ("group", "placement", "iterations", *(f"{phase} (ms)" for phase in (*PHASES, "other")))
    columns += ("rollouts/s", "steps/s", "efficiency")
    title = (
        "Mean time of an iteration on rank 0, tests included; rates are those of training rollouts; efficiency: "
        "training steps a second and core, over the same settings on the fewest cores."
    )
    return Table(title, columns, rows)


def draw(placed: list[Placed]):
    """Bars of shares; and efficiency over cores, if any settings were run on several numbers of them."""
    scaled = [each for each, share in zip(placed, efficiencies(placed), strict=True) if np.isfinite(share)]
    texts = [style.wrapped(each.label, 46) for each in placed]
    heights = np.array([max(text.count("\n") + 1, 1.3) for text in texts])
    height = max(2.3 + 0.17 * (heights + 0.6).sum(), 3.6 if scaled else 0)
    fig, axes = style.figure(1 + bool(scaled), 13.0 if scaled else 9.4, height, ratios=(1.7, 1) if scaled else None)
    places = -(np.cumsum(heights + 0.6) - heights / 2)
    total = np.array([sum(each.seconds.values()) for each in placed])
    left = np.zeros(len(placed))
    for phase, colour in zip(MEANINGS, (*style.COLOURS[:5], style.GREY), strict=True):
        widths = 100 * np.array([each.seconds[phase] for each in placed]) / total
        bars = axes[0].barh(places, widths, 0.7 * heights, left, color=colour, label=f"{phase}: {MEANINGS[phase]}")
        said = _said(placed, phase, left + widths / 2, places, widths)
        interactive.tell(f"{phase}: {MEANINGS[phase]}", list(bars), said)
        left += widths
    for y, seconds in zip(places, total, strict=True):
        axes[0].annotate(f"{seconds:.3g} s", (100, y), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes[0].set_yticks(places, texts)
    axes[0].set_ylim(places[-1] - heights[-1] / 2 - 0.6, 0)
    axes[0].set_xlim(0, 110)
    axes[0].set_xticks(range(0, 101, 20))
    axes[0].grid(axis="y", visible=False)
    axes[0].set_xlabel("share of an iteration's time on rank 0 (%), and its mean (s)")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    if scaled:
        _draw_efficiency(axes[1], placed)
    return fig


def _said(placed: list[Placed], phase: str, xs, ys, shares) -> list[tuple[float, float, str, str]]:
    """What is said of the bars of a phase."""
    texts = [f"{1000 * each.seconds[phase]:,.3g} ms, {share:.1f} %" for each, share in zip(placed, shares, strict=True)]
    return list(zip(xs, ys, (each.label for each in placed), texts, strict=True))


def _draw_efficiency(ax, placed: list[Placed]) -> None:
    """A line for each group and number of threads."""
    lines: dict[tuple, list[tuple[int, float]]] = {}
    for each, share in zip(placed, efficiencies(placed), strict=True):
        if np.isfinite(share):
            lines.setdefault((each.group.label, *each.group.kind[1:]), []).append((each.cores, share))
    for ((name, threads, plan), points), (colour, line) in zip(lines.items(), style.cycle(), strict=False):
        cores, values = zip(*sorted(points), strict=True)
        text = f"{name}, {threads} thread{'s' * (threads > 1)} a rank" + ", dynamic plan" * (plan == "dynamic")
        (drawn,) = ax.plot(cores, values, color=colour, ls=line, marker="o", ms=5, label=style.wrapped(text, 40))
        interactive.tell_curve(text, drawn)
    ax.axhline(1, color=style.BLACK, lw=1, ls=":")
    ax.set_xscale("log", base=2)
    counts = sorted({each.cores for each in placed})
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.set_xlabel("cores (ranks x threads)")
    ax.set_ylabel("parallel efficiency")
    ax.legend(loc="best")  # where it covers no line, if there is such a place


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    return script.parser(
        "timing",
        "Draw where the time of an iteration goes on rank 0, by settings and by ranks and threads. If "
        "the same settings were run on several numbers of cores, parallel efficiency is drawn, too: "
        "environment steps a second and core, over those on the fewest. Runs that changed ranks or "
        "lost some are left out, with a note. A table is printed, too.",
    )


if __name__ == "__main__":
    sys.exit(main())

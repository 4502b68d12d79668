"""Adaptation operators compared: final test reward after adaptation over K or over noise, every seed shown.

Example: python analysis/operators.py results/operators/corners/*.h5
"""

import argparse
import sys
from dataclasses import dataclass, replace

import curves
import numpy as np
import script
import series
import style
from groups import NOT_SET, SUITING, Group, differing, group, short

from esmaml_mpi.results.reader import Results

GRADIENTS = {"gaussian": "MC", "dpp": "DPP"}
MARKERS = "osD^vP"
# Settings that the picture says by itself: its axis, names of operators, and what comes with these.
NAMING = ("queries", "directions", "scheme", "evaluations", "reevaluate_pivot")
STATED = ("task.corruption.noise_std", "meta.algorithm", *SUITING, *(f"adaptation.{key}" for key in NAMING))
WIDE = 30.0  # worst over best reward from which a panel has a logarithmic axis


@dataclass(frozen=True)
class Final:
    """A test of a run, the last that all its seeds have; ``returns`` (tasks, repeats) after adaptation."""

    panel: str
    operator: str
    x: float
    seed: int
    iteration: int
    returns: np.ndarray
    lowest: float | None  # what an adaptation gets that stays away from every goal

    @property
    def mean(self) -> float:
        return float(series.finite_mean(self.returns, (0, 1)))

    @property
    def harmed(self) -> float:
        """Share of adaptations with less reward than for staying away from every goal; nan where that is not known."""
        if self.lowest is None:
            return float("nan")
        less = np.where(np.isfinite(self.returns), self.returns < self.lowest - 1e-9, np.nan)
        return float(series.finite_mean(less, (0, 1)))


def main(arguments: list[str] | None = None, program: str | None = None) -> int:
    """Draw and tabulate; returns the exit code."""
    return script.run(make_parser(), arguments, _work, program)


def _work(options, note) -> None:
    output = style.check_output(options.output)
    runs = series.load_all(options.results, note)
    noisy = any(run.config.task.corruption.get("noise_std", 0) > 0 for run in runs)
    finals = points(group(runs, note), noisy, note)
    style.save(_draw(finals, noisy), output)
    _print_table(finals, noisy)
    print(output)


def points(groups: list[Group], noisy: bool, note: script.Note) -> list[Final]:
    """Every seed of the groups, where all seeds of its group were tested last.

    Groups that are the same operator to the eye are told apart by the settings in which they differ.
    """
    found, alike, panels = [], {}, {}
    for each in groups:
        at = curves.average(each, "after", "iteration", note).x[-1]
        if at < max(run.config.meta.iterations for run in each.runs):
            note(f"{each.label}: scored at iteration {at} of {max(run.config.meta.iterations for run in each.runs)}")
        found.append([final(run, noisy, int(at)) for run in each.runs])
        alike.setdefault((found[-1][0].panel, found[-1][0].operator), []).append(each.settings)
        panels.setdefault(found[-1][0].panel, []).append(each.settings)
    for panel, own in panels.items():
        told = {name for (place, _), others in alike.items() if place == panel for name in differing(others)}
        if names := [name for name in differing(own) if name not in (*STATED, *told)]:
            note(f"{panel}: operators differ in {', '.join(names)} too")
    over = "task.corruption.noise_std" if noisy else "adaptation.queries"
    for each, own in zip(groups, found, strict=True):
        others = alike[own[0].panel, own[0].operator]
        more = [f"{short(n, others)} = {each.settings.get(n, NOT_SET)}" for n in differing(others) if n != over]
        own[:] = [replace(one, operator=", ".join([one.operator, *more])) for one in own]
    return sorted((one for own in found for one in own), key=lambda one: (one.panel, one.x, one.seed))


def final(run: Results, noisy: bool, iteration: int) -> Final:
    """What a run had come to by a tested iteration; ``noisy``: over the noise, not over K."""
    config, test = run.config, run.history["test"]
    operator, options = config.adaptation, config.task.options
    used = run.rollouts_per_adaptation // config.task.rollouts
    corners = config.task.name == "four_corners" and options["reward"] == "bowl"
    panel = config.task.name.replace("_", " ")
    if options.get("penalty", 0) > 0:
        panel += f", penalty {options['penalty']:,g}"
    return Final(
        panel=panel,
        operator=label(operator),
        x=float(config.task.corruption.get("noise_std", 0.0)) if noisy else queries(operator, used),
        seed=config.run.seed,
        iteration=iteration,
        returns=test["after"][test["iteration"].tolist().index(iteration)],
        lowest=-4.0 * config.task.horizon if corners else None,
    )


def label(operator) -> str:
    """The paper's name of an operator, or the configuration's."""
    if operator.operator == "es_gradient":
        return GRADIENTS.get(operator.directions, operator.directions)
    if operator.operator == "hill_climbing":
        scheme = "" if operator.scheme == "sequential" else f", {operator.scheme} of {operator.evaluations}"
        return f"HC{scheme}{', pivot again' * operator.reevaluate_pivot}"
    return operator.operator.replace("_", " ")


def queries(operator, rollouts: int) -> int:
    """K: what an operator that takes so many ``rollouts`` tries beside theta itself."""
    return getattr(operator, "queries", rollouts - 1)


def _cells(finals: list[Final]):
    """(panel, x, operator, its runs over seeds), panels and operators in order of appearance."""
    operators = sorted({each.operator for each in finals}, key=_rank)
    for panel in dict.fromkeys(each.panel for each in finals):
        for x in dict.fromkeys(each.x for each in finals if each.panel == panel):
            for operator in operators:
                runs = [each for each in finals if (each.panel, each.x, each.operator) == (panel, x, operator)]
                if runs:
                    yield panel, x, operator, runs


def _rank(operator: str) -> tuple:
    order, name = ("MC", "DPP", "HC"), operator.partition(",")[0]
    return (order.index(name) if name in order else len(order), operator)


def _draw(finals: list[Final], noisy: bool):
    names = list(dict.fromkeys(each.panel for each in finals))
    fig, axes = style.figure(len(names), width=1.4 + 4.1 * len(names), height=4.4)
    operators = sorted({each.operator for each in finals}, key=_rank)
    for ax, panel in zip(axes, names, strict=True):
        own = [each for each in finals if each.panel == panel]
        places = sorted({each.x for each in own}, reverse=not noisy)
        for i, operator in enumerate(operators):
            look = dict(
                color=style.COLOURS[i % len(style.COLOURS)],
                marker=MARKERS[(i + i // len(style.COLOURS)) % len(MARKERS)],
            )
            _draw_operator(
                ax, own, operator, places, look, (i - (len(operators) - 1) / 2) * min(0.2, 0.8 / len(operators))
            )
        ax.set_xticks(range(len(places)), [f"{x:g}" for x in places])
        ax.set_xlim(-0.5, len(places) - 0.5)
        ax.grid(axis="x", visible=False)
        ax.set_xlabel("standard deviation of the noise on a measured reward" if noisy else "queries K per adaptation")
        ax.set_title(panel)
        means = np.array([each.mean for each in own if np.isfinite(each.mean)])
        if means.size and means.max() < 0 and means.min() < WIDE * means.max():
            _logarithmic(ax, means)
        _draw_bound(ax, own, "top" if ax.get_yscale() == "function" else "bottom")
    axes[0].set_ylabel(series.METRICS["after"])
    counts = sorted({len(runs) for *_, runs in _cells(finals)})
    seeds = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    title = f"mean and range of {seeds} seeds, each a dot" if counts[-1] > 1 else "one seed"
    handles, texts = axes[0].get_legend_handles_labels()
    width, height = fig.get_size_inches()
    columns = max(1, min(len(texts), int(width * style.LETTERS_PER_INCH) // (max(map(len, texts)) + 9)))
    rows = -(-len(texts) // columns)
    fig.set_size_inches(width, height + 0.19 * (rows - 1))
    place = dict(loc="outside lower center", ncols=columns, title=title)
    fig.legend(handles, list(map(style.plain, texts)), **place)
    return fig


def _draw_operator(ax, finals, operator, places, look, offset) -> None:
    """Dots for seeds, a bar from the worst to the best of them, and a line through the means."""
    x, mean = [], []
    for place, value in enumerate(places):
        seeds = np.array([each.mean for each in finals if each.operator == operator and each.x == value])
        seeds = seeds[np.isfinite(seeds)]
        if seeds.size == 0:
            continue
        at = place + offset
        x.append(at)
        mean.append(seeds.mean())
        ax.plot([at, at], [seeds.min(), seeds.max()], color=look["color"], lw=5, alpha=0.22, solid_capstyle="round")
        ax.plot(np.full(seeds.size, at), seeds, ".", color=look["color"], ms=4, alpha=0.8)
    ax.plot(x, mean, **look, ms=7, mec="white", lw=1.2, label=operator)


def _draw_bound(ax, finals, side: str) -> None:
    lowest = next((each.lowest for each in finals if each.lowest is not None), None)
    if lowest is not None:
        ax.axhline(lowest, color=style.BLACK, lw=1, ls=":")
        place = dict(xytext=(4, 3 if side == "bottom" else -4), textcoords="offset points", va=side, fontsize=9)
        ax.annotate(f"never near a goal: {lowest:g}", (0, lowest), xycoords=ax.get_yaxis_transform(), **place)


def _logarithmic(ax, means) -> None:
    """Rewards below 0 over decades, the best on top."""
    least = -means.max() / 10  # nearer to 0 there is nothing to be seen
    ax.set_yscale("function", functions=(lambda y: -np.log10(np.maximum(-y, least)), lambda v: -(10.0**-v)))
    top, bottom = np.log10(-means.max()), np.log10(-means.min())
    ticks = [-(10.0**k) * m for k in range(int(np.floor(top)), int(bottom) + 2) for m in (1, 3)]
    shown = [tick for tick in ticks if top - 0.25 <= np.log10(-tick) <= bottom + 0.25]
    ax.set_yticks(shown, [f"{tick:,.0f}" if tick <= -1 else f"{tick:g}" for tick in shown])
    ax.set_ylim(-(10 ** (bottom + 0.2)), -(10 ** (top - 0.2)))


def _print_table(finals: list[Final], noisy: bool) -> None:
    print("| task | " + ("noise" if noisy else "K") + " | operator | seeds | after adaptation | median | harmed |")
    print("|---|---|---|---|---|---|---|")
    for panel, x, operator, runs in _cells(finals):
        means = np.array([each.mean for each in runs if np.isfinite(each.mean)])
        if means.size == 0:
            print(f"| {panel} | {x:g} | {operator} | 0 | - | - |  |")
            continue
        digits = 1 if abs(means.mean()) < 1000 else 0
        error = f" +- {means.std(ddof=1) / np.sqrt(means.size):,.{digits}f}" if means.size > 1 else ""
        returns = np.concatenate([each.returns.ravel() for each in runs])
        harmed = float(series.finite_mean(np.array([each.harmed for each in runs]), 0))
        share = "" if np.isnan(harmed) else f"{100 * harmed:.1f} %"
        cells = (panel, f"{x:g}", operator, str(means.size), f"{means.mean():,.{digits}f}{error}")
        print(f"| {' | '.join(cells)} | {np.nanmedian(returns):,.1f} | {share} |")
    print(
        "\nMean over seeds +- standard error; median over all adaptations; harmed: share of adaptations with less than"
    )
    print("the reward of never coming near a goal, which only a wrong corner's penalty can bring.")


def make_parser() -> argparse.ArgumentParser:
    """The script's options."""
    return script.parser(
        "operators",
        "Draw the final test reward after adaptation of runs that differ in their adaptation "
        "operator, over K, or over the noise on rewards if any run has some. There is a panel for "
        "each task and penalty, with a mean and a range over seeds. Operators that differ in other "
        "settings too are told apart by these. A table is printed as Markdown, too.",
    )


if __name__ == "__main__":
    sys.exit(main())

"""The claims table as a page of Markdown. Every number on it comes out of the evidence."""

import numpy as np
from claim_list import Part
from claim_summary import Point, Run
from claim_verdicts import AGREES, DISAGREES, QUANTITIES, UNRESOLVED, Evidence, Judged, adjusted
from tables import Table, readable

Key = tuple[str, str, str]  # of a point
INSTANTS = {"iteration": "{} iterations", "rollouts": "{} training rollouts", "seconds": "{} s of training"}
RULE = """\
For each claim runs are compared that differ in what the claim is about. Each seed gives one number: the quantity named,
at the last iteration at which all runs were tested, or at the most rollouts or seconds that all have spent.
*Difference* is the mean over seeds less that of the other side, or less the number stated. Its interval reaches, at
either end, as far as the farther of two at 95 %: the bootstrap's, and Welch's, which is exact where values are normal.
(Over three seeds the bootstrap cannot be surer than 75 %, hence the second one.) Seconds are of a machine that did
other things too.

- **agrees**: the whole interval lies on the claimed side of 0;
- **disagrees**: the whole interval lies on the other side;
- **not resolved at this scale**: it contains 0, or a side has one seed;
- **not run**: there are no results, or none that all runs have at one instant after the start.

A claim of several parts agrees if all parts that were run do, and disagrees if any does; parts in italics are variants
of ours, and not counted. That something *is solved*
is held to mean in most adaptations: the share of adaptations, less one half."""


def page(judged: list[Judged], command: str, picture: str) -> str:
    """The whole page; ``command`` makes it, ``picture`` is the figure's name."""
    run, ps = [each for one in judged for each in one.run], adjusted(judged)
    parts = [
        "# Claims",
        f"What the papers claim, and what runs of this program say of it. Made by `{command}` from results files; "
        "nothing is typed in.",
        overview(judged, ps).markdown(),
        f"![Interval of every part of every claim]({picture})" if run else "No part of any claim has been run.",
        "## How it is decided",
        RULE,
        many(run, [p for own in ps for p in own]),
        SOURCES,
        *(text for i, one in enumerate(judged) for text in section(i + 1, one, ps[i])),
        *([] if not run else ["## Scale", scales(run), "## Runs", runs(run).markdown()]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


SOURCES = """\
Claims are in our words. Titles and abstracts are public. What the papers say beyond them is known second-hand. A claim
that rests on it is marked with a dagger (†): the claim itself may be misreported."""


def overview(judged: list[Judged], ps: list[list[float]]) -> Table:
    """A row for each claim; ``ps``: adjusted, of its parts that were run."""
    rows = []
    for number, (one, own) in enumerate(zip(judged, ps, strict=True), 1):
        places = dict.fromkeys(f"`{part.experiment}`" for part in one.claim.parts)
        at = [_at(size, [each for each in one.run if each.size == size]) for size in {each.size: 0 for each in one.run}]
        tested = ", ".join(places) + (f" ({'; '.join(at)})" if at else "")
        words = f"[{one.claim.words}](#claim-{number}){' †' * one.claim.reported}"
        stands = [p <= 0.05 for each, p in zip(one.run, own, strict=True) if _counted(each) and np.isfinite(p)]
        standing = f"{sum(stands)} of {len(stands)}" if stands else "-"
        cells = (str(number), words, one.claim.source, tested or "-", f"**{one.verdict}**{counts(one)}", standing)
        rows.append(cells)
    title = (
        "Verdicts; in brackets how many parts of a claim there are, and how many say what. Last: of the parts that "
        "agree or disagree, how many do so still at 5 % after adjustment for all parts on this page."
    )
    return Table(title, ("", "claim", "source", "tested by (size, seeds)", "verdict", "still"), rows)


def _counted(each: Evidence) -> bool:
    """Whether a part decides its claim, one way or the other."""
    return not each.part.beside and each.verdict != UNRESOLVED


def counts(one: Judged) -> str:
    """How the parts of a claim are divided, where that is not said by the verdict."""
    found = [each.verdict for each in one.run if not each.part.beside]
    total = sum(not part.beside for part in one.claim.parts) + bool(one.claim.lacks)
    if not found or found == [one.verdict] * total:
        return ""
    words = {AGREES: "agree", DISAGREES: "disagree", UNRESOLVED: "not resolved"}
    said = [
        f"{found.count(verdict)} {word}{'s' * (found.count(verdict) == 1 and verdict != UNRESOLVED)}"
        for verdict, word in words.items()
        if verdict in found
    ]
    said += [f"{total - len(found)} not run"] * (total > len(found))
    return f" ({total} parts: {', '.join(said)})"


def many(evidence: list[Evidence], ps: list[float]) -> str:
    """What so many intervals at once mean; ``ps``: adjusted."""
    resolved = [each.verdict in (AGREES, DISAGREES) for each in evidence]
    kept = sum(settled and p <= 0.05 for settled, p in zip(resolved, ps, strict=True))
    if not evidence:
        return ""
    return (
        f"**{len(evidence)} intervals at once.** Each is at 95 % for itself: of {len(evidence)}, about "
        f"{0.05 * len(evidence):.1f} would miss the truth by chance. *p* is Welch's; adjusted for all parts "
        f"(Holm), {kept} of the {sum(resolved)} that are resolved stay below 0.05. A verdict whose adjusted p is above "
        "should be taken as a hint."
    )


def section(number: int, one: Judged, ps: list[float]) -> list[str]:
    """A claim with its evidence; ``ps``: adjusted."""
    claim = one.claim
    parts = [
        f'<a id="claim-{number}"></a>\n\n## {number}. {claim.words}',
        f"{claim.source}{' †' * claim.reported}. **{one.verdict[0].upper()}{one.verdict[1:]}**{counts(one)}.",
    ]
    for quantity in dict.fromkeys(each.part.quantity for each in one.run):
        rows = [row(each, p) for each, p in zip(one.run, ps, strict=True) if each.part.quantity == quantity]
        parts.append(Table(f"Quantity: {QUANTITIES[quantity].words}.", COLUMNS, rows).markdown())
    missing = [part for part, found in zip(claim.parts, one.evidence, strict=True) if not found]
    lacking = [f"Not run: {'; '.join(_place(part) for part in missing)}."] * bool(missing)
    lacking += [f"Not tested: {claim.lacks}."] * bool(claim.lacks)
    return [*parts, *lacking]


COLUMNS = ("", "size, at", "seeds", "mean", "other", "difference", "claimed", "p", "adjusted", "verdict")


def row(each: Evidence, adjusted: float) -> tuple:
    """A part's evidence; an unfinished run is said to be one."""
    part, seeds = each.part, f"{each.a.size}" + f" and {each.b.size}" * bool(each.part.against)
    other = float(each.b.mean()) if part.against else part.threshold
    low, high = each.interval
    at = INSTANTS[part.at].format(readable(float(each.instant)) if part.at == "seconds" else f"{int(each.instant):,}")
    unfinished = "" if each.complete else f" of {max(run.planned for run in each.runs):,}, unfinished"
    difference = f"{readable(each.difference)} [{readable(low)}, {readable(high)}]"
    cells = (
        f"*{part.about}*" if part.beside else part.about,
        f"{each.size}, {at}{unfinished}",
        seeds,
        float(each.a.mean()),
        other,
        difference,
    )
    return (*cells, "above 0" if part.above else "below 0", each.p, adjusted, each.verdict)


def _at(size: str, run: list[Evidence]) -> str:
    """A size, and how many seeds the sides of parts have in it."""
    seeds = sorted({side.size for each in run for side in (each.a, each.b) if side.size})
    return f"{size}, {' or '.join(map(str, seeds))} seeds"


def scales(run: list[Evidence]) -> str:
    """What was smaller than the paper's, for each experiment and size."""
    lines = [
        "What differs from the experiment file's paper size, whose values are in brackets, besides what single points "
        "set. The paper size's iterations are a guess, as the papers do not say.\n"
    ]
    for experiment, size in dict.fromkeys((each.part.experiment, each.size) for each in run):
        own = [each for each in run if (each.part.experiment, each.size) == (experiment, size)]
        changed: dict[str, dict[str, None]] = {}
        for key, value in (item for each in own for point in each.points for item in point.other.items()):
            changed.setdefault(key, {})[value] = None
        settings = ", ".join(f"{key} = {' or '.join(values)}" for key, values in sorted(changed.items()))
        if any(point.paper_iterations is None for each in own for point in each.points):
            settings = ", ".join([settings] * bool(settings) + ["points that the paper size does not have"])
        lines.append(f"- **{experiment}, {size}**: {settings or 'nothing'}.")
    return "\n".join(lines)


def runs(run: list[Evidence]) -> Table:
    """A row for each point that stands behind a verdict."""
    members: dict[Key, list[Run]] = {}
    points: dict[Key, Point] = {}
    for each in run:
        for point in each.points:
            key = (point.experiment, point.size, point.name)
            points[key] = point
            members[key] = [one for one in each.runs if (one.experiment, one.size, one.point) == key]
    rows = []
    for key, own in members.items():
        point, done = points[key], sorted({one.iterations for one in own})
        paper = f" ({point.paper_iterations:,})" if point.paper_iterations is not None else ""
        each_iteration = sorted({round(one.series["rollouts"][-1] / max(one.iterations, 1)) for one in own})
        of_paper = f" ({point.paper_rollouts:,})" if point.paper_rollouts is not None else ""
        seeds = ", ".join(str(one.seed) for one in own)
        commits = ", ".join(dict.fromkeys(one.commit or "unknown" for one in own))
        files = ", ".join(f"`{one.file}`" for one in own)
        iterations = " or ".join(f"{number:,}" for number in done) + paper
        rollouts = " to ".join(f"{number:,}" for number in dict.fromkeys((each_iteration[0], each_iteration[-1])))
        rows.append((", ".join(key), seeds, iterations, rollouts + of_paper, own[0].config, commits, files))
    columns = ("experiment, size, point", "seeds", "iterations (paper size)", "rollouts an iteration (paper size)")
    title = (
        "Runs behind the verdicts: iterations done, training rollouts of one, digest of the settings that make the "
        "point, revision of the program (+changes: edited since), files."
    )
    return Table(title, (*columns, "settings", "revision", "files"), rows)


def _place(part: Part) -> str:
    size = f", {part.size}" if part.size else ""
    return f"{part.about} (`configs/{part.experiment}.toml`{size})"

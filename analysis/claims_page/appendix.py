"""The end of the page of claims: how verdicts follow, what is not the papers' scale, and the runs with their hours."""

import significance
from tables import Table
from verdicts.evidence import AGREES, DISAGREES, LEVEL, Evidence
from verdicts.summary import Point, Run

Key = tuple[str, str, str]  # of a point

RULE = """\
For each claim runs are compared that differ in what the claim is about. Each seed gives one number: the quantity named,
at the last iteration at which all runs were tested, or at the most rollouts or seconds that all have spent (between two
tests, on the line between them). Seeds, iterations and quantities were written down before the runs, in the experiment
files and in the files that `analysis/claim_list.py` names, but for what claim 12 says of itself. What a claim asks the
reader to mind, and what was found beside, was written after the runs.

*Difference* is the mean over seeds less that of the other side, or less the number stated. Its interval reaches, at
either end, as far as the farther of two at 95 %: the bootstrap's, and Welch's, which is exact where values are normal.
*g* is the difference in standard deviations over seeds, corrected for few (Hedges). Seconds are of a machine that did
other things too.

- **agrees**: the whole interval lies on the claimed side of 0;
- **disagrees**: the whole interval lies on the other side;
- **not resolved**: neither;
- **not run**: there are no results, not of all seeds, or none that all runs have at one instant after the start.

*p* is Welch's alone, so that a difference may have a *p* below 5 % and still be not resolved, by the bootstrap. Seeds
are the same on both sides; that they are pairs is not used. That errs on the side of no verdict where pairs are alike,
as equal seeds are expected to make them, and on the other side where a few seeds happen to be opposed. Where no seed
differs from another the interval is a point, which says nothing of chance; *p* is then how likely all seeds are
to lie on one side by chance.

That something is *not below* or *not above* allows for a margin: the interval has to lie on this side of it, and to
disagree wholly beyond it. That something is *equal* wants two one-sided tests that it differs by the margin or more,
both below 5 %; a difference that is not found is no equality. The margin is a share, written down before, of what
training has gained on the other side; that this gain is known from few seeds alone is not in the interval. What is
*exactly* so has to be so in every seed.

A claim of several parts agrees if all parts that were run do, disagrees if any does and none agrees, and is divided if
some do this and some that. Parts in italics are variants of ours, some of them thought of after a look, or nothing is
claimed of them. They are not counted, and p is not adjusted for them.

What counts as found, visited, a turn, alike, kept (475, which is 95 % of 500), similar (a fifth) or few (a quarter) is
ours; that something *is found* or *visited* means by more than half.

**Replications.** Five seeds tell large differences alone, once all parts of the page are allowed for. So all parts that
had all their seeds at one of two moments were to be made again with ten or fifteen fresh seeds, whatever they had said
(`analysis/papers/replications.py`, and the experiment files' sizes whose names end in `_replication`, both written
before any of these runs). Settings and quantities stay as they are, and no seed is used in both. Where a replication
has all its seeds it has its part's say; what the first seeds said stays on the page, and *p* is adjusted for both."""


def many(evidence: list[Evidence], ps: list[float], all_ps: list[float]) -> str:
    """What so many intervals at once mean; ``ps``: adjusted for the parts that have a say, ``all_ps`` for all."""
    tested = [(each, p, q) for each, p, q in zip(evidence, ps, all_ps, strict=True) if p == p]
    resolved = [(p, q) for each, p, q in tested if each.verdict in (AGREES, DISAGREES)]
    if not evidence:
        return ""
    stay, would = (sum(each[i] <= LEVEL for each in resolved) for i in range(2))
    tests = len({each.test for each, _, _ in tested})
    return (
        f"**{len(evidence)} intervals at once.** Each is at 95 % for itself: of {len(evidence)}, about "
        f"{LEVEL * len(evidence):.1f} would miss the truth by chance. {len(tested)} parts have a claimed side and a "
        f"*p* so far, in {tests} different tests; adjusted for all of these (Holm), {stay} of the "
        f"{len(resolved)} that are resolved stay below 0.05; if what is "
        f"beside counted too, {would}. A verdict whose adjusted p is above should be taken as a hint. Among so many "
        f"tests a difference has to be g = {_least(5, tests)} or more for five seeds a side to tell it, "
        f"{_least(10, tests)} for ten, and {_least(15, tests)} for fifteen."
    )


def _least(seeds: int, tests: int) -> str:
    return f"{significance.least_effect(seeds, LEVEL / max(tests, 1)):.1f}"


def runs(run: list[Evidence]) -> list[str]:
    """What was smaller than the paper's size, the hours, and a row for each point."""
    members: dict[Key, list[Run]] = {}
    points: dict[Key, Point] = {}
    for each in run:
        for point in each.points:
            key = (point.experiment, point.size, point.name)
            points[key] = point
            members[key] = [one for one in each.runs if point.place in one.places]
    return [
        "## Scale",
        scales(points),
        "## Hours",
        hours(members).markdown(),
        "## Runs",
        table(points, members).markdown(),
    ]


def scales(points: dict[Key, Point]) -> str:
    """What was smaller than the paper's, for each experiment and size."""
    lines = [
        "What differs from the experiment file's paper size, whose values are in brackets, besides what single points "
        "set. The paper size's iterations are a guess, as the papers do not say.\n"
    ]
    for experiment, size in dict.fromkeys((key[0], key[1]) for key in points):
        own = [point for key, point in points.items() if key[:2] == (experiment, size)]
        changed: dict[str, dict[str, None]] = {}
        for key, value in (item for point in own for item in (*_length(point), *point.other.items())):
            changed.setdefault(key, {})[value] = None
        settings = ", ".join(f"{key} = {' or '.join(values)}" for key, values in sorted(changed.items()))
        if any(point.paper_iterations is None for point in own):
            settings = ", ".join([settings] * bool(settings) + ["points that the paper size does not have"])
        lines.append(f"- **{experiment}, {size}**: {settings or 'nothing'}.")
    return "\n".join(lines)


def _length(point: Point) -> list[tuple[str, str]]:
    """Iterations, where they are not the paper size's."""
    paper = point.paper_iterations
    return [] if paper in (None, point.iterations) else [("meta.iterations", f"{point.iterations:,} ({paper:,})")]


def hours(members: dict[Key, list[Run]]) -> Table:
    """Of each experiment; a run that several share counts with each, and once in the sum."""
    own: dict[tuple[str, str], dict[tuple, float]] = {}
    for (experiment, size, _), runs_of_it in members.items():
        own.setdefault((experiment, size), {}).update({run.key: run.hours for run in runs_of_it})
    rows = [(experiment, size, len(found), sum(found.values())) for (experiment, size), found in own.items()]
    every = {key: value for found in own.values() for key, value in found.items()}
    rows.append(("all, each run once", "", len(every), sum(every.values())))
    title = (
        "Hours of training, of one process a run, beside others on the same machine; with tests and the writing of "
        "files. Experiments share runs whose settings are the same."
    )
    return Table(title, ("experiment", "size", "runs", "hours"), rows)


def table(points: dict[Key, Point], members: dict[Key, list[Run]]) -> Table:
    """A row for each point that stands behind a verdict."""
    rows = []
    for key, own in members.items():
        point, done = points[key], sorted({one.iterations for one in own})
        paper = f" ({point.paper_iterations:,})" if point.paper_iterations is not None else ""
        each_iteration = sorted({round(one.series["rollouts"][-1] / max(one.iterations, 1)) for one in own})
        of_paper = f" ({point.paper_rollouts:,})" if point.paper_rollouts is not None else ""
        seeds = ", ".join(str(one.seed) for one in own)
        commits = ", ".join(dict.fromkeys(one.commit or "unknown" for one in own))
        iterations = " or ".join(f"{number:,}" for number in done) + paper
        rollouts = " to ".join(f"{number:,}" for number in dict.fromkeys((each_iteration[0], each_iteration[-1])))
        rows.append((", ".join(key), seeds, iterations, rollouts + of_paper, own[0].config, commits))
    columns = ("experiment, size, point", "seeds", "iterations (paper size)", "rollouts an iteration (paper size)")
    title = (
        "Runs behind the verdicts: iterations done, training rollouts of one, digest of the settings that make the "
        "point, revision of the program (+changes: edited since)."
    )
    return Table(title, (*columns, "settings", "revision"), rows)

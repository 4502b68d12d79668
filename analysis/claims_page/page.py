"""The claims as a page of Markdown: a table of one line a claim, details, and how it is decided at the end.

Every number on it comes out of the evidence.
"""

import numpy as np
from claim_list import WITHDRAWN
from claims_page import appendix
from papers.parts import EXACTLY, NOTHING, PAPER, counted
from papers.replications import is_replication
from tables import Table, readable
from verdicts.evidence import AGREES, DISAGREES, LEVEL, UNRESOLVED, Evidence
from verdicts.judged import DIVIDED, NOT_RUN, Judged, adjusted
from verdicts.quantities import QUANTITIES

from esmaml_mpi import errors

INSTANTS = {"iteration": "{} iterations", "rollouts": "{} training rollouts", "seconds": "{} s of training"}
CLAIMED = {
    "above": "above 0",
    "below": "below 0",
    "equal": "within the margin",
    "not below": "above -margin",
    "not above": "below margin",
    "exactly": "exactly 0",
    "nothing": "-",
}


def page(judged: list[Judged], command: str, picture: str, curves: dict[int, str], paths: dict[int, str]) -> str:
    """The whole page; ``command`` makes it, ``picture`` is the figure's name, ``curves`` and ``paths`` those of claims'
    curves and paths."""
    run, ps = [each for one in judged for each in one.run], adjusted(judged)
    parts = [
        "# Claims",
        f"What the papers claim, and what runs of this program say of it. Made by `{command}`: no result in a table is "
        "typed in. How it is decided is [at the end](#how-it-is-decided), and so is what was [smaller than in the "
        "papers](#scale) in a size such as medium. MC adapts by an ES gradient of independent directions, DPP by one "
        "of determinantal directions, HC by hill climbing; L, H and HH are policies with no, one and two hidden layers "
        "([Glossary](glossary.md)).",
        f"![Verdict and interval of the deciding part of every claim]({picture})",
        overview(judged, ps, curves).markdown(),
        tally(judged, ps),
        f"[All parts that were run in one picture]({curves[0]})." if 0 in curves else "",
        "## Figure by figure",
        by_figure(judged, curves, paths).markdown(),
        "## Withdrawn",
        "An earlier list of claims was not written from the papers' text. Its verdicts on these are withdrawn:",
        "\n".join(f"- {line}" for line in WITHDRAWN),
        *(text for one, own in zip(judged, ps, strict=True) for text in section(one, own, curves)),
        "## How it is decided",
        appendix.RULE,
        appendix.many(run, *([p for own in each for p in own] for each in (ps, adjusted(judged, beside=True)))),
        *([] if not run else appendix.runs(run)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def overview(judged: list[Judged], ps: list[list[float]], curves: dict[int, str]) -> Table:
    """A row for each claim; ``ps``: adjusted, of its parts that were run."""
    rows = []
    for one, own in zip(judged, ps, strict=True):
        claim = one.claim
        words = f"[{claim.words}](#claim-{claim.number})"
        link = f"[curves]({curves[claim.number]})" if claim.number in curves else "-"
        verdict = f"**{said(one)}**{counts(one)}"
        rows.append((str(claim.number), words, verdict, effect(one), standing(one, own), seeds(one), sizes(one), link))
    title = (
        "Verdicts; in brackets how many parts of a claim there are, and how many say what. Effect: of the first part "
        "that says what the verdict is, the difference and its interval at 95 %, and in standard deviations (Hedges' "
        "g). Stand: of the parts that agree or disagree, how many do so still at 5 % after adjustment for all parts on "
        "this page that have a say. What is exactly so in every seed needs no test and counts; what is computed counts "
        "where nothing but that is claimed."
    )
    return Table(title, ("", "claim", "verdict", "effect", "stand", "seeds", "size", ""), rows)


def by_figure(judged: list[Judged], curves: dict[int, str], paths: dict[int, str]) -> Table:
    """A row for each claim that the paper makes of a figure, in the figures' order."""
    rows = []
    for one in judged:
        claim = one.claim
        if claim.paper != PAPER or "figure " not in claim.section:
            continue
        figure = claim.section.split("figure ")[1]
        files = [(name, drawn.get(claim.number)) for name, drawn in (("paths", paths), ("curves", curves))]
        links = [f"[![Claim {claim.number}, {name}]({file})]({file})" for name, file in files if file]
        words = f"[{claim.number}](#claim-{claim.number}). {claim.words}"
        rows.append((figure, words, f"{said(one)}{counts(one)}", " ".join(links) or "-"))
    rows.sort(key=lambda row: (row[0].startswith("A"), row[0]))
    title = (
        "What ES-MAML's text says of its figures, in words of ours, and the same comparisons of runs here: curves are "
        "means over seeds, of the reward or of what their axis names, whatever a part compares; where the paper's "
        "figure shows paths, those of seed 0 after all its training are above them."
    )
    return Table(title, ("figure", "what the text says", "here", "runs here"), rows)


def effect(one: Judged) -> str:
    """Of the part that decides, or of the first computed number."""
    if first := one.deciding:
        low, high = first.interval
        said = f"{first.part.about}: {readable(first.difference)} [{readable(low)}, {readable(high)}]"
        return said + f", g = {readable(first.effect)}" * bool(np.isfinite(first.effect))
    if one.computed:
        return f"{one.computed[0].about.about}: {readable(one.computed[0].value)}"
    return "-"


def standing(one: Judged, ps: list[float]) -> str:
    """How many of the parts that say something do so after adjustment."""
    settled = [
        (each, p)
        for each, p in zip(one.run, ps, strict=True)
        if each in one.own and each.verdict in (AGREES, DISAGREES)
    ]
    computed = 0 if one.wants_runs else len(one.computed)
    if not settled and not computed:
        return "-"
    kept = sum(stands(each, p) for each, p in settled) + computed
    return f"{kept} of {len(settled) + computed}"


def stands(each: Evidence, p: float) -> bool:
    """Whether a verdict stays after adjustment; what is exactly so needs no test."""
    return bool(p <= LEVEL) or each.part.claimed == EXACTLY


def seeds(one: Judged) -> str:
    """How many seeds sides of parts have."""
    found = sorted({side.size for each in one.run for side in (each.a, each.b) if side.size})
    return " or ".join(map(str, found)) or "-"


def sizes(one: Judged) -> str:
    """Of the parts that were run."""
    found = ["computed"] * bool(one.computed) + list(dict.fromkeys(each.part.size for each in one.run))
    return ", ".join(found) or "-"


def tally(judged: list[Judged], ps: list[list[float]]) -> str:
    """How many claims were run, and of how many the verdict stands."""
    ran = [one for one in judged if one.verdict != NOT_RUN]
    resolved = [
        one
        for one, own in zip(judged, ps, strict=True)
        if (
            one.verdict in (AGREES, DISAGREES, DIVIDED)
            and any(
                stands(each, p)
                for each, p in zip(one.run, own, strict=True)
                if each in one.own and (each.verdict == one.verdict or one.verdict == DIVIDED)
            )
        )
        or (one.computed and not one.wants_runs)
    ]
    return (
        f"Of {len(judged)} claims {len(ran)} were run or computed. Of {len(resolved)} the verdict is agrees, "
        f"disagrees or divided, and at least one part that says so stands after adjustment."
    )


def said(one: Judged) -> str:
    """The verdict, and whether parts are left."""
    settled = one.verdict in (AGREES, DISAGREES, DIVIDED)
    return one.verdict + " so far" * (settled and one.so_far)


def counts(one: Judged) -> str:
    """How the parts of a claim are divided, where that is not said by the verdict."""
    found = [each.verdict for each in (*one.own, *one.computed)]
    total = one.total + len(one.claim.computed)
    if not one.own and total > len(one.computed):
        return ""
    if not found or found == [one.verdict] * total:
        return ""
    words = {AGREES: "agree", DISAGREES: "disagree", UNRESOLVED: "not resolved"}
    parts = [
        f"{found.count(verdict)} {word}{'s' * (found.count(verdict) == 1 and verdict != UNRESOLVED)}"
        for verdict, word in words.items()
        if verdict in found
    ]
    parts += [f"{total - len(found)} not run"] * (total > len(found))
    return f" ({total} parts: {', '.join(parts)})"


def section(one: Judged, ps: list[float], curves: dict[int, str]) -> list[str]:
    """A claim with its evidence; ``ps``: adjusted."""
    claim = one.claim
    verdict = said(one)
    words = [f"{claim.paper}, {claim.section}. **{verdict[0].upper()}{verdict[1:]}**{counts(one)}."]
    words += [f"Measured: {claim.measured}."]
    words += [f"Lost in the text at hand: {claim.lost}."] * bool(claim.lost)
    words += [f"A guess of ours: {claim.unknown}."] * bool(claim.unknown)
    words += [f"**Mind:** {claim.mind}."] * bool(claim.mind)
    words += [f"Asked why: {claim.why}. Found: {claim.found}."] * bool(claim.why)
    parts = [f'<a id="claim-{claim.number}"></a>\n\n## {claim.number}. {claim.words}', " ".join(words)]
    if one.computed:
        rows = [
            (f.about.about, f.value, f"{CLAIMED[f.about.claimed][:-2]} {readable(f.bound)}", f.verdict)
            for f in one.computed
        ]
        parts.append(Table("Computed, without runs.", ("", "value", "claimed", "verdict"), rows).markdown())
    for quantity in dict.fromkeys(each.part.quantity for each in one.run):
        rows = [row(each, p) for each, p in zip(one.run, ps, strict=True) if each.part.quantity == quantity]
        parts.append(Table(f"Quantity: {QUANTITIES[quantity].words}.", COLUMNS, rows).markdown())
    if claim.number in curves:
        parts.append(
            f"![Curves of claim {claim.number}, means over seeds; bands from the lowest to the highest "
            f"seed]({curves[claim.number]})"
        )
    missing = [part for part, found in zip(claim.parts, one.evidence, strict=True) if not found]
    own = [part for part in missing if not part.beside and not is_replication(part)]
    again = sum(map(is_replication, missing))
    places = [f"{part.about} (`configs/{part.experiment}.toml`, {part.size})" for part in own]
    places += [errors.counted(again, "replication")] * (again > 0)
    beside = len(missing) - len(own) - again
    places += [f"{errors.counted(beside, 'part')} beside"] * (beside > 0)
    return [*parts, *([f"Not run: {'; '.join(places)}."] if missing else [])]


COLUMNS = ("", "at", "seeds", "mean", "other", "difference", "g", "claimed", "p", "adjusted", "verdict")


def row(each: Evidence, adjusted: float) -> tuple:
    """A part's evidence; an unfinished run is said to be one."""
    part, seeds = each.part, f"{each.a.size}" + f" and {each.b.size}" * bool(each.part.against)
    seeds += f", {each.missing} to come" * bool(each.missing)
    other = float(each.b.mean()) if part.against else part.threshold
    low, high = each.interval
    at = INSTANTS[part.at].format(readable(float(each.instant)) if part.at == "seconds" else f"{int(each.instant):,}")
    if QUANTITIES[part.quantity].at_end:
        at = "each at its end, " + " or ".join(f"{n:,}" for n in sorted({r.iterations for r in each.runs}))
        at += " iterations"
    unfinished = "" if each.complete else f" of {max(run.planned for run in each.runs):,} iterations, unfinished"
    claimed = CLAIMED[part.claimed] + f" ({readable(each.margin)})" * bool(part.margin)
    cells = (
        part.about if counted(part) else f"*{part.about}*",
        f"{part.size}, {at}{unfinished}",
        seeds,
        float(each.a.mean()),
        other,
        f"{readable(each.difference)} [{readable(low)}, {readable(high)}]",
        each.effect,
    )
    return (*cells, claimed, each.p, adjusted, "-" if part.claimed == NOTHING or each.missing else each.verdict)

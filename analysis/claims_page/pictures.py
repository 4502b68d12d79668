"""The paths that a figure of the paper's shows, of runs here: what adaptation tries, and what it ends with."""

import exploration
from explored import Explored
from papers.parts import Claim
from verdicts.summary import Summary


def draw(claim: Claim, summary: Summary):
    """A figure for a claim, a column for each of its pictured points whose paths the summary has; None: of none."""
    found = []
    for label, place in claim.pictured:
        kept = next((run.paths for run in summary.of(*place.split("/")) if run.paths), None)
        if kept:
            found.append((label, Explored.read(kept)))
    return exploration.draw([own for _, own in found], [label for label, _ in found]) if found else None

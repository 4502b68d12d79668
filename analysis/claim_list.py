"""The papers' claims, as data: one module for each part of the papers, in the order of their numbers here.

Sources are ES-MAML (Song et al., ICLR 2020, arXiv 1910.01215), its paper on legged robots (Song et al., IROS 2020,
arXiv 2003.01239), and Evo-MAML (Electronics 12(18):3865, 2023). Words are ours, after their text; of the latter two we
have a conclusion and slides.
"""

from papers import evolution, exploration, extensions, first_order, low_queries, policies, robot, stability
from papers.parts import Claim
from papers.replications import replicated

MODULES = (
    exploration,
    policies,
    stability,
    low_queries,
    first_order,
    extensions,
    robot,
    evolution,
)
CLAIMS: tuple[Claim, ...] = tuple(
    sorted((replicated(claim) for module in MODULES for claim in module.CLAIMS), key=lambda claim: claim.number)
)

# Verdicts of an earlier list, which was not written from the text: what they judged, and why they are withdrawn.
WITHDRAWN = (
    "Regression (RBO) adapts in spite of corrupted queries where the average does not: the paper says the opposite "
    "(14).",
    "Active subspaces (ASEBO) are better by wall-clock time: the paper says the opposite (15).",
    "Batch hill climbing beats sequential hill climbing: the paper says it of averaging alone (22).",
    "Hill climbing visits all six circles in most adaptations: the paper shows a strategy that explores them (4).",
    "On Navigation-2D adaptation finds unseen goals: what is claimed is the shape of exploration (16).",
    "Sinusoids are learnt from few samples: there are none in the paper.",
    "CartPole, Swimmer and Walker2d after less than an iteration's rollouts of the paper: a scale that cannot tell "
    "(8, 9).",
)


PICTURED = frozenset(place for claim in CLAIMS for _, place in claim.pictured)
"""Points of whose first seed the paths are kept."""


def named(claims: tuple[Claim, ...]) -> set[tuple[str, str, str]]:
    """(experiment, size, point) of all that claims are tested by."""
    parts = [part for claim in claims for part in claim.parts]
    return {(part.experiment, part.size, name) for part in parts for name in part.named}

"""Which parts of claims are made again with fresh seeds, written down before any of these runs.

Five seeds tell large differences alone, once the number of claims is allowed for. So all parts that had all their seeds
when the first list was written, and those that had got theirs by the second, are made again, whatever they had said:
nothing else about them is changed, and no seed of the first runs is used again. The sizes of the experiment files whose
names end in ``SUFFIX`` have the seeds.
"""

from dataclasses import replace
from fnmatch import fnmatchcase

from papers.parts import Claim, Part, counted

SUFFIX = "_replication"
FIRST = {  # (experiment, size) -> patterns of points
    ("figure_1", "paper"): ("mc_*", "hc_*"),
    ("figure_1", "medium"): ("evo", "mc_plain_queries20"),
    ("figure_2", "paper"): ("relu",),
    ("figure_3", "medium"): ("cheetah_direction_*", "cheetah_velocity_?_queries5", "few_?"),
    ("figure_4", "paper"): ("cartpole_[LH]",),
    ("figure_5", "medium"): ("*_queries5_cheetah_*", "L_es_queries20_cheetah_direction"),
    ("figure_a1", "paper"): ("corners_with_plain", "corners_without"),
    ("figure_a1", "medium"): ("ant_with_plain", "ant_without"),
    ("figure_a2", "medium"): ("cheetah_zero_order", "cheetah_first_order_20"),
    ("figure_a3", "medium"): ("isotropic", "asebo", "mc"),
    ("figure_a4", "medium"): ("mc", "pg"),
    ("noisy_hill_climbing", "navigation"): ("batch_*", "average_*"),
}
SECOND = {
    ("figure_4", "medium"): ("walker2d_[LH]",),
    ("figure_5", "medium"): ("L_es_queries20_walker2d_direction",),
    ("legged_robot", "paper"): ("hc",),
}


def replicated(claim: Claim) -> Claim:
    """The claim with each of its replications behind the part that it replicates."""
    parts = ((part, replication(part)) if _chosen(part) else (part,) for part in claim.parts)
    return replace(claim, parts=tuple(part for pair in parts for part in pair))


def replication(part: Part) -> Part:
    """The same with fresh seeds."""
    return replace(part, about=f"{part.about}, replication", size=part.size + SUFFIX)


def is_replication(part: Part) -> bool:
    """Whether it is one."""
    return part.size.endswith(SUFFIX)


def _chosen(part: Part) -> bool:
    place = part.experiment, part.size
    patterns = FIRST.get(place, ()) + SECOND.get(place, ())
    return counted(part) and all(any(fnmatchcase(name, pattern) for pattern in patterns) for name in part.named)

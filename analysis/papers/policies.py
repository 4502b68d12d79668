"""Claims of section 4.2: compact policies, and hill climbing on Ant."""

from papers.estimators import evaluations_per_dimension
from papers.parts import ABOVE, BELOW, PAPER, Claim, Computed, Part, each

FAMILIES = (
    ("HalfCheetah directions", "cheetah_direction"),
    ("HalfCheetah velocities", "cheetah_velocity"),
    ("Ant directions", "ant_direction"),
    ("Ant velocities", "ant_velocity"),
)
FULL = "cheetah_direction_{}_queries20"


def _linear(about: str, point: str, k: int, **how) -> Part:
    return Part(about, "figure_3", "medium", (f"{point}_L_queries{k}",), (f"{point}_H_queries{k}",), **how)


CLAIMS = (
    Claim(
        5,
        "Linear policies train successfully, and faster than policies with a hidden layer.",
        PAPER,
        "4.2, figure 3",
        "faster: the mean test reward after adaptation over all of training, the area under its curve, by iteration; "
        "successfully: what training gains, above 0. Untrained policies of the two kinds are not equally good, so that "
        "the same less the reward before training is beside, and the reward at the end",
        tuple(
            part
            for family, point in FAMILIES
            for k in (20, 5)
            for part in (
                _linear(f"{family}, K = {k}, L against H", point, k, quantity="speed"),
                _linear(f"{family}, K = {k}, the same, less before training", point, k, quantity="rise", beside=True),
                _linear(f"{family}, K = {k}, L against H, at the end", point, k, beside=True),
                Part(
                    f"{family}, K = {k}, L alone",
                    "figure_3",
                    "medium",
                    (f"{point}_L_queries{k}",),
                    quantity="progress",
                ),
            )
        ),
        lost="K of the figure; here 20 and 5",
        unknown="whether Ant's second task is goal velocity or goal position; HalfCheetah's velocities, to 3 m/s",
    ),
    Claim(
        6,
        "On forward-backward Ant hill climbing is the best operator.",
        PAPER,
        "4.2, figure 3",
        "test reward after adaptation; against MC, the one other operator of these runs",
        tuple(
            Part(f"{name}, HC against MC", "hill_climbing_ant", "medium", (f"hc_{name}",), (f"mc_{name}",))
            for name in ("L", "H")
        ),
    ),
    Claim(
        7,
        "Compact policies speed ES-MAML up, as fewer perturbations are needed.",
        PAPER,
        "4.2",
        "a quarter of the perturbations: what it costs in mean test reward over training is less with L than with H. "
        "Computed: the evaluations that a gradient of a linear function needs for the same relative error are nearly "
        "as many times more as there are parameters. H alone is the premise",
        (
            Part(
                "HalfCheetah directions: 8 perturbations less 32, L against H",
                "figure_3",
                "medium",
                ("few_L",),
                ("few_H",),
                quantity="speed",
                less=each(FULL, "L"),
                against_less=each(FULL, "H"),
            ),
            Part(
                "H, 8 perturbations against 32",
                "figure_3",
                "medium",
                ("few_H",),
                each(FULL, "H"),
                quantity="speed",
                claimed=BELOW,
            ),
            Part(
                "L, 8 perturbations against 32",
                "figure_3",
                "medium",
                ("few_L",),
                each(FULL, "L"),
                quantity="speed",
                claimed=BELOW,
                beside=True,
            ),
        ),
        (Computed("evaluations for 774 parameters over those for 108", evaluations_per_dimension, ABOVE),),
    ),
)

"""The claim of Evo-MAML, whose constants are guesses."""

from claim_parts import BELOW, EVO, Claim, Part

OTHERS = (
    ("MAML", "pg"),
    ("first-order MAML", "pg_first_order"),
    ("E-MAML", "e_maml"),
    ("ES-MAML", "mc_plain_queries20"),
)

CLAIMS = (
    Claim(
        24,
        "Evo-MAML beats MAML with first-order approximations, E-MAML and ES-MAML on reference tasks, at a lower cost "
        "than with second derivatives.",
        EVO,
        "slides, figure 3",
        "four corners: test reward after adaptation at as many rollouts; cost: milliseconds of training for a rollout, "
        "against PG-MAML with second derivatives",
        (
            *(
                Part(f"against {name}", "figure_1", "medium", ("evo",), (point,), at="rollouts")
                for name, point in OTHERS
            ),
            Part(
                "cost, against PG-MAML",
                "figure_1",
                "medium",
                ("evo",),
                ("pg",),
                "cost",
                BELOW,
                at="rollouts",
            ),
        ),
        lost="the reference tasks",
        unknown="all of Evo-MAML's constants, which are guesses (docs/baselines.md): the verdict is on these",
    ),
)

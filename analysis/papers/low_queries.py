"""Claims of section 4.4 and appendix A.5: ES-MAML beside PG-MAML on four bodies, with few queries and with 20."""

from papers.parts import BELOW, BODIES, NOT_BELOW, NOTHING, PAPER, Claim, Part

MARGIN = 0.2  # "similar": within a fifth of what training has gained PG-MAML
NETS = ("L", "H")
KINDS = ("direction", "velocity")


def _points(system: str, kinds=KINDS) -> tuple[str, ...]:
    return tuple(f"{net}_{system}_queries5_{body}_{kind}" for net in NETS for _, body in BODIES for kind in kinds)


def _whole(about: str, quantity: str, kinds=KINDS, scaled: bool = True, **how) -> Part:
    sides = _points("es", kinds), _points("pg", kinds)
    return Part(about, "figure_5", "medium", *sides, quantity, BELOW, at="rollouts", scaled=scaled, **how)


CLAIMS = (
    Claim(
        10,
        "With few queries ES-MAML is similar to PG-MAML or better on forward-backward tasks; on goal velocities "
        "PG-MAML is generally better.",
        PAPER,
        "4.4, figure 5",
        "test reward after adaptation at as many rollouts, K = 5; similar or better: not below by more than a fifth of "
        "what training has gained PG-MAML",
        tuple(
            Part(
                f"{family}, {words}, {net}",
                "figure_5",
                "medium",
                (f"{net}_es_queries5_{body}_{kind}",),
                (f"{net}_pg_queries5_{body}_{kind}",),
                claimed=claimed,
                at="rollouts",
                margin=margin,
            )
            for kind, words, claimed, margin in (
                ("direction", "directions", NOT_BELOW, MARGIN),
                ("velocity", "velocities", BELOW, 0.0),
            )
            for family, body in BODIES
            for net in NETS
        ),
        lost="the other K; 5 is in the text as an example",
        unknown="PG-MAML's constants, which two architectures, the velocities",
        mind="HalfCheetah has fewer rollouts here than two of the paper's iterations on velocities, and five on "
        "directions. On velocities adaptation is not seen to gain PG-MAML's policies anything. Where training has "
        "gained PG-MAML nothing the margin is 0, and similar is not enough",
    ),
    Claim(
        11,
        "With few queries PG-MAML is unstable: wide bands, and some runs fail catastrophically; ES-MAML is relatively "
        "stable.",
        PAPER,
        "4.4, figure 5",
        "over seeds: how far a seed's test reward lies from the median of the seeds (the test of spreads by Brown and "
        "Forsythe), K = 5, of each task and architecture in units of both systems' mean, and then the mean of these; "
        "share of runs that end below their start; beside, the deepest fall of a test below the best before it",
        (
            *(
                _whole(f"distance from the median, {name}", "scatter", kinds)
                for name, kinds in (("directions", KINDS[:1]), ("velocities", KINDS[1:]))
            ),
            _whole("runs that end below their start", "fell", scaled=False),
            _whole("deepest fall below the best test before", "fall", beside=True),
        ),
        lost="K of the figure",
        unknown="PG-MAML's constants",
    ),
    Claim(
        17,
        "Forward-backward and goal-velocity tasks on four bodies, K = 20: curves of both systems. No winner is "
        "claimed.",
        PAPER,
        "A.5, figure A5",
        "test reward after adaptation at as many rollouts; nothing is claimed of it, and nothing judged",
        tuple(
            Part(
                f"{family}, {words}",
                "figure_a5",
                "medium",
                (f"es_{body}_{kind}",),
                (f"pg_{body}_{kind}",),
                claimed=NOTHING,
                at="rollouts",
            )
            for words, kind in (("directions", "direction"), ("velocities", "velocity"))
            for family, body in BODIES
        ),
        lost="K, of another paper; here 20",
        unknown="the architecture, PG-MAML's constants",
    ),
)

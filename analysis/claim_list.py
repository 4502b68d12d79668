"""The empirical claims of the papers, as data: whose they are, which runs test them, and what would bear them out.

Sources are ES-MAML (Song et al., ICLR 2020, arXiv 1910.01215) and its robot paper (Song et al., IROS 2020, arXiv
2003.01239). Words are ours. What is not said in a title or an abstract is stated as it is known second-hand:
``reported``.
"""

from dataclasses import dataclass

PAPER, ROBOT = "ES-MAML", "robot paper"


@dataclass(frozen=True)
class Part:
    """One number over seeds that bears on a claim.

    ``points`` of the sweep configs/EXPERIMENT.toml, of which a seed's number is the mean; ``against``: points whose
    numbers are compared with these, or none, and then ``threshold`` is. ``quantity`` is a key of
    claim_verdicts.QUANTITIES, ``at`` of series.COSTS. ``above``: whether the claim has it above or below. ``size``: the
    only one of the file that has these points, or "" for any. ``beside``: a variant of ours, shown beside the claim's
    own parts; the verdict on the claim is without it.
    """

    about: str
    experiment: str
    points: tuple[str, ...]
    against: tuple[str, ...] = ()
    quantity: str = "after"
    threshold: float = 0.0
    at: str = "iteration"
    above: bool = True
    size: str = ""
    beside: bool = False


@dataclass(frozen=True)
class Claim:
    """``lacks``: what no experiment of configs/ can test yet."""

    words: str
    source: str
    parts: tuple[Part, ...] = ()
    lacks: str = ""
    reported: bool = True


def named(claims: tuple[Claim, ...]) -> set[tuple[str, str]]:
    """(experiment, point) of all that claims are tested by."""
    parts = [part for claim in claims for part in claim.parts]
    return {(part.experiment, name) for part in parts for name in (*part.points, *part.against)}


BODIES = (("HalfCheetah", "cheetah"), ("Swimmer", "swimmer"), ("Walker2d", "walker2d"), ("Ant", "ant"))
HALF = 0.5  # of the adaptations: what "it is solved" is held to mean


def _each(pattern: str, *names) -> tuple[str, ...]:
    return tuple(pattern.format(name) for name in names)


CLAIMS = (
    Claim(
        "With K = 20 adaptation explores: on four corners the adapted agent finds the corner that pays.",
        f"{PAPER}, 4.1, figure 1a",
        (
            *(
                Part(f"{name}, K = 20", "figure_1", (f"{op}_plain_queries20",), quantity="found", threshold=HALF)
                for name, op in (("MC", "mc"), ("DPP", "dpp"), ("HC", "hc"))
            ),
            *(
                Part(
                    f"MC against PG-MAML, {words}",
                    "figure_1",
                    ("mc_plain_queries20",),
                    ("pg",),
                    quantity=quantity,
                    at="rollouts",
                )
                for words, quantity in (("corners found", "found"), ("reward", "after"))
            ),
        ),
    ),
    Claim(
        "On Navigation-2D adaptation finds the way to unseen goals.",
        f"{PAPER}, appendix, figure A4",
        (
            Part("MC", "figure_a4", ("mc",), quantity="gain"),
            Part("HC", "figure_a4", ("hc",), quantity="gain"),
            Part("PG-MAML", "figure_a4", ("pg",), quantity="gain", beside=True),
            Part("MC against PG-MAML", "figure_a4", ("mc",), ("pg",), at="rollouts", beside=True),
            Part("MC against Evo-MAML", "figure_a4", ("mc",), ("evo",), at="rollouts", beside=True),
        ),
    ),
    Claim(
        "Fewer queries cost reward: Monte-Carlo gradients drop on four corners from K = 20 to 10 and 5.",
        f"{PAPER}, 4.1, figure 1b",
        tuple(
            Part(
                f"MC, K = {k} against 20",
                "figure_1",
                (f"mc_plain_queries{k}",),
                ("mc_plain_queries20",),
                above=False,
            )
            for k in (10, 5)
        ),
    ),
    Claim(
        "At low K hill climbing is better than Monte-Carlo gradients.",
        f"{PAPER}, 4.1, figure 1b",
        tuple(
            Part(f"HC against MC, K = {k}", "figure_1", (f"hc_plain_queries{k}",), (f"mc_plain_queries{k}",))
            for k in (10, 5)
        ),
    ),
    Claim(
        "At low K determinantal directions are better than independent ones.",
        f"{PAPER}, 4.1, figure 1b",
        tuple(
            Part(
                f"DPP against MC, K = {k}",
                "figure_1",
                (f"dpp_plain_queries{k}",),
                (f"mc_plain_queries{k}",),
            )
            for k in (10, 5)
        ),
    ),
    Claim(
        "Where wrong corners cost dearly, hill climbing keeps clear of them as gradients do not.",
        f"{PAPER}, 4.1, figure 1b",
        tuple(
            Part(
                f"HC against {name}, mean over K = 20, 10, 5",
                "figure_1",
                _each("hc_penalised_queries{}", 20, 10, 5),
                _each(op + "_penalised_queries{}", 20, 10, 5),
                quantity="harmed",
                above=False,
            )
            for name, op in (("MC", "mc"), ("DPP", "dpp"))
        ),
    ),
    Claim(
        "Where wrong corners cost dearly, hill climbing earns more than gradients.",
        f"{PAPER}, 4.1, figure 1b",
        tuple(
            Part(
                f"HC against {name}, K = {k}",
                "figure_1",
                (f"hc_penalised_queries{k}",),
                (f"{op}_penalised_queries{k}",),
            )
            for name, op in (("MC", "mc"), ("DPP", "dpp"))
            for k in (20, 10, 5)
        ),
    ),
    Claim(
        "Hill climbing with K = 20 solves six circles: the adapted agent visits all six.",
        f"{PAPER}, 4.1, figure 2",
        (
            Part("ReLU, 200 steps", "figure_2", ("relu",), quantity="solved", threshold=HALF),
            Part(
                "tanh, 300 steps, outer sigma 0.2",
                "figure_2",
                ("tanh",),
                quantity="solved",
                threshold=HALF,
                beside=True,
            ),
        ),
    ),
    Claim(
        "Compact policies adapt well: linear ones beat those with hidden layers.",
        f"{PAPER}, 4.2",
        tuple(
            Part(f"{family}, L against {other}", "figure_3", (f"{point}_L",), (f"{point}_{other}",))
            for family, point in (
                ("HalfCheetah directions", "cheetah_direction"),
                ("HalfCheetah velocities", "cheetah_velocity"),
                ("Ant directions", "ant_direction"),
                ("Ant positions", "ant_position"),
            )
            for other in ("H", "HH")
        ),
    ),
    Claim(
        "Hill climbing adapts Ant better than Monte-Carlo gradients.",
        f"{PAPER}, 4.2",
        tuple(
            Part(
                f"forward-backward Ant, {name}, HC against MC",
                "hill_climbing_ant",
                (f"hc_{name}",),
                (f"mc_{name}",),
            )
            for name in ("L", "H")
        ),
    ),
    Claim(
        "Deterministic policies train stably on CartPole with a biased sensor, Swimmer and Walker2d.",
        f"{PAPER}, 4.3",
        tuple(
            part
            for family, point in (("CartPole", "cartpole"), ("Swimmer", "swimmer"), ("Walker2d", "walker2d"))
            for net in ("L", "H", "HH")
            for part in (
                Part(f"{family}, {net}", "figure_4", (f"{point}_{net}",), quantity="progress"),
                Part(
                    f"{family}, {net}, against PG-MAML",
                    "figure_4",
                    (f"{point}_{net}",),
                    (f"{point}_pg_{net}",),
                    at="rollouts",
                ),
            )
        ),
    ),
    *(
        Claim(
            f"With K as low as 5, {words}.",
            f"{PAPER}, 4.4",
            tuple(
                Part(
                    f"{family}, {net}, ES-MAML against PG-MAML, K = 5",
                    "figure_5",
                    (f"{point}_{kind}_es_{net}_queries5",),
                    (f"{point}_{kind}_pg_{net}_queries5",),
                    at="rollouts",
                    above=kind == "direction",
                )
                for family, point in BODIES
                for net in ("L", "H")
            ),
            lacks=lacks,
        )
        for kind, words, lacks in (
            (
                "direction",
                "ES-MAML is as good as PG-MAML or better on forward-backward tasks, and more stable",
                "stability, for which the paper has no number that is known",
            ),
            ("velocity", "PG-MAML is better on goal-velocity tasks", ""),
        )
    ),
    Claim(
        "First order on forward-backward Ant is better without the Hessian.",
        f"{PAPER}, A.1, figure A1",
        (
            Part("without against with", "figure_a1", ("ant_without",), ("ant_with",)),
            Part(
                "the same, mirrored queries",
                "figure_a1",
                ("ant_without_mirrored",),
                ("ant_with_mirrored",),
                beside=True,
            ),
        ),
    ),
    Claim(
        "First order on four corners is slightly better with the Hessian.",
        f"{PAPER}, A.1, figure A1",
        (
            Part("with against without", "figure_a1", ("corners_with",), ("corners_without",)),
            Part(
                "the same, mirrored queries",
                "figure_a1",
                ("corners_with_mirrored",),
                ("corners_without_mirrored",),
                beside=True,
            ),
            Part(
                "with against a longer step without",
                "figure_a1",
                ("corners_with",),
                ("corners_without_longer",),
                size="small",
                beside=True,
            ),
        ),
    ),
    Claim(
        "By rollouts, first order without the Hessian is a little faster than zero order on Ant.",
        f"{PAPER}, A.1, figure A2",
        tuple(
            Part(
                f"{m} queries a task against zero order",
                "figure_a2",
                (f"ant_first_order_{m}",),
                ("ant_zero_order",),
                at="rollouts",
            )
            for m in (300, 100)
        ),
    ),
    Claim(
        "By rollouts, first order with few queries is worse than zero order on HalfCheetah.",
        f"{PAPER}, A.1, figure A2",
        (
            Part(
                "20 queries a task against zero order",
                "figure_a2",
                ("cheetah_first_order_20",),
                ("cheetah_zero_order",),
                at="rollouts",
                above=False,
            ),
        ),
    ),
    Claim(
        "Robust regression (RBO) adapts in spite of corrupted queries, where the average does not.",
        f"{PAPER}, appendix; Choromanski et al., CoRL 2019",
        tuple(
            Part(
                f"{name} against average, {share:.0%} corrupted",
                "rbo",
                (f"{decoder}_fraction{share:g}",),
                (f"average_fraction{share:g}",),
            )
            for name, decoder in (("LP decoding", "lp"), ("ridge", "ridge"))
            for share in (0.1, 0.2)
        ),
    ),
    *(
        Claim(
            f"Active subspaces (ASEBO) learn faster, by {words}.",
            f"{PAPER}, appendix; Choromanski et al., NeurIPS 2019",
            tuple(
                Part(f"{loop} against isotropic", "asebo", (point,), ("isotropic",), at=at)
                for loop, point in (("outer loop", "outer"), ("inner loop", "inner"), ("both loops", "both"))
            ),
        )
        for words, at in (("iteration", "iteration"), ("wall-clock time", "seconds"))
    ),
    Claim(
        "Sinusoids are learnt from few samples: adaptation lowers the error.",
        f"{PAPER}, appendix",
        tuple(
            Part(f"{k} queries on {n} samples", "figure_a3", (f"queries{k}_horizon{n}",), quantity="gain")
            for k in (100, 20)
            for n in (10, 5)
        ),
        lacks="how much better MAML with exact gradients is: benchmarks/sinusoid.py has it, in files of its own",
    ),
    Claim(
        "Batch hill climbing tolerates noisy rewards better than other hill climbing of as many rollouts.",
        f"{ROBOT}, abstract",
        (
            *(
                Part(
                    f"batch against {other}, mean over noise 10, 30, 100 (Navigation-2D, a stand-in)",
                    "noisy_hill_climbing",
                    _each("batch_noise_std{}", 10, 30, 100),
                    _each(other + "_noise_std{}", 10, 30, 100),
                    size="small",
                )
                for other in ("sequential", "average")
            ),
            *(
                Part(
                    f"batch against {other}, mean over noise 0.1, 0.3, 1 (quadruped)",
                    "noisy_hill_climbing",
                    _each("batch_noise_std{}", 0.1, 0.3, 1),
                    _each(other + "_noise_std{}", 0.1, 0.3, 1),
                    size="paper",
                )
                for other in ("sequential", "average")
            ),
        ),
        reported=False,
    ),
    Claim(
        "Fifty noisy rollouts of batch hill climbing adapt a quadruped to changed dynamics.",
        f"{ROBOT}, abstract; Google AI blog, April 2020",
        (
            Part(
                "batch, noise 0.1, quadruped in simulation",
                "noisy_hill_climbing",
                ("batch_noise_std0.1",),
                quantity="gain",
                size="paper",
            ),
        ),
        lacks="that gradient-based meta-learning adapts less: no experiment file has it on the quadruped",
        reported=False,
    ),
    Claim(
        "An evolving gradient in place of second-order terms keeps up with first-order MAML at less computation.",
        "Evo-MAML, Electronics 12(18):3865, abstract",
        tuple(
            Part(f"four corners, by {words}", "figure_1", ("evo",), ("pg_first_order",), at=at)
            for words, at in (("rollouts", "rollouts"), ("wall-clock time", "seconds"))
        ),
        reported=False,
    ),
)

"""Claims of section 3.1 and appendix A.3: estimators and what extends them."""

from papers.estimators import SHIFT_INVARIANCE
from papers.parts import BELOW, NOT_ABOVE, PAPER, Claim, Part

MARGIN = 0.2  # "more robust": by more than a fifth of what training has gained plain MC

CLAIMS = (
    Claim(
        14,
        "With a share of the queries corrupted by enormous noise, regression (RBO) is not more robust on "
        "forward-backward Swimmer than plain MC: ES-MAML has a robustness of its own.",
        PAPER,
        "A.3.3, figure A3 left",
        "test reward after adaptation: RBO's not above MC's by more than a fifth of what training has gained MC; MC's "
        "own gain by training, above 0",
        (
            *(
                Part(
                    f"{name} against MC",
                    "figure_a3",
                    "medium",
                    (point,),
                    ("mc",),
                    claimed=NOT_ABOVE,
                    margin=MARGIN,
                )
                for name, point in (("ridge", "ridge"), ("LP decoding", "lp"))
            ),
            Part("MC, gained in spite of the noise", "figure_a3", "medium", ("mc",), quantity="progress"),
            Part("MC, corrupted against clean", "figure_a3", "medium", ("mc",), ("clean",), claimed=BELOW, beside=True),
        ),
        lost="the share; here 0.2",
        unknown="the size of the noise, the architecture, which regression is RBO's; here ridge and LP decoding, both",
    ),
    Claim(
        15,
        "On goal-velocity HalfCheetah with few queries ASEBO is better by iteration, and plain ES-MAML by real time.",
        PAPER,
        "A.3.3, figure A3 right",
        "mean test reward after adaptation over training, by iteration and by seconds; K = 5",
        (
            Part("by iteration", "figure_a3", "medium", ("asebo",), ("isotropic",), "speed"),
            Part("by time", "figure_a3", "medium", ("asebo",), ("isotropic",), "speed", BELOW, at="seconds"),
            Part("by iteration, at the end", "figure_a3", "medium", ("asebo",), ("isotropic",), beside=True),
        ),
        lost="the low K; here 5",
        unknown="the architecture; HalfCheetah's velocities, here 0 to 3 m/s",
        mind="that ASEBO costs more time an iteration is not judged, and seconds are of a machine that did other "
        "things too",
    ),
    Claim(
        19,
        "The variance of the Forward-FD and antithetic estimators does not change when the rewards are shifted; that "
        "of the vanilla estimator does.",
        PAPER,
        "3.1",
        "computed: with the program's own estimators on the same directions, the largest change of an estimate when "
        "1024 is added to every reward; and in closed form, the vanilla estimator's variance with the shift over that "
        "without",
        (),
        SHIFT_INVARIANCE,
    ),
)

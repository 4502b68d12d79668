"""Claims of section 3.2 and appendix A.1: first order, with and without the Hessian."""

from papers.estimators import hessian_error
from papers.parts import ABOVE, BELOW, NOTHING, PAPER, Claim, Computed, Part


def _why(about: str, point: str, against: str, **how) -> Part:
    return Part(f"Why: {about}", "figure_a2", "medium", (point,), (against,), beside=True, **how)


WHY_HALF_CHEETAH = (
    _why("20 queries against zero order, iterations", "cheetah_first_order_20", "cheetah_zero_order"),
    _why("zero order, longer steps", "cheetah_zero_order_longer_steps", "cheetah_zero_order"),
    _why(
        "20 queries against zero order with longer steps",
        "cheetah_first_order_20",
        "cheetah_zero_order_longer_steps",
        claimed=BELOW,
        at="rollouts",
    ),
    _why("5 queries against 20", "cheetah_first_order_5", "cheetah_first_order_20", claimed=BELOW, at="rollouts"),
    _why(
        "5 queries against zero order",
        "cheetah_first_order_5",
        "cheetah_zero_order",
        claimed=BELOW,
        at="rollouts",
    ),
)
TESTED = "tests adapt with 20 queries, however many training has"
SHOWN: dict = dict(claimed=NOTHING, beside=True)


def _corners(about: str, point: str, *against: str, **how) -> Part:
    return Part(f"four corners, {about}", "figure_a1", "paper", (point,), against, **how)


CLAIMS = (
    Claim(
        12,
        "Linear policies by first order: on forward-backward Ant it is better without the Hessian; on four corners "
        "both have wide bands, and the Hessian is slightly ahead.",
        PAPER,
        "A.1.2, figure A1",
        "test reward after adaptation, on Ant also its mean over training; the Hessian by Algorithm 4 as printed, "
        "without a control variate, from standardised rewards. Wide bands: beside, as how far a seed lies from the "
        "median. Until four corners had run, a Hessian with a control variate (leave-one-out) counted there; it is "
        "beside",
        (
            Part("Ant, without against with", "figure_a1", "medium", ("ant_without",), ("ant_with_plain",)),
            Part("Ant, the same, speed", "figure_a1", "medium", ("ant_without",), ("ant_with_plain",), "speed"),
            _corners("with against without", "corners_with_plain", "corners_without"),
            _corners("the same, control variate", "corners_with", "corners_without", beside=True),
            _corners(
                "control variate, mirrored queries", "corners_with_mirrored", "corners_without_mirrored", beside=True
            ),
            _corners("gained by training, without", "corners_without", quantity="progress", beside=True),
            _corners("distance from the median, with", "corners_with_plain", quantity="scatter", **SHOWN),
            _corners("the same, without", "corners_without", quantity="scatter", **SHOWN),
        ),
        unknown="on four corners the horizon; here 100",
        mind=f"{TESTED}. A distance is none below 0, whatever its interval; on four corners three of the first five "
        "policies of either kind never come near a corner",
    ),
    Claim(
        13,
        "By rollouts first order without the Hessian is slightly faster than zero order on forward-backward Ant; on "
        "HalfCheetah it is poor with few queries, and does not catch up with many more rollouts.",
        PAPER,
        "A.1.2, figure A2",
        "Ant: mean test reward after adaptation over training, by rollouts; HalfCheetah: test reward at as many "
        "rollouts, and that of first order at its end, with twice the rollouts",
        (
            Part(
                "Ant, first order with 100 queries against zero order",
                "figure_a2",
                "medium",
                ("ant_first_order_100",),
                ("ant_zero_order",),
                "speed",
                at="rollouts",
            ),
            Part(
                "HalfCheetah, first order with 20 queries against zero order",
                "figure_a2",
                "medium",
                ("cheetah_first_order_20",),
                ("cheetah_zero_order",),
                claimed=BELOW,
                at="rollouts",
            ),
            Part(
                "the same, each at its end",
                "figure_a2",
                "medium",
                ("cheetah_first_order_20",),
                ("cheetah_zero_order",),
                "end",
                BELOW,
                at="rollouts",
            ),
            Part(
                "HalfCheetah, 100 queries against zero order",
                "figure_a2",
                "medium",
                ("cheetah_first_order_100",),
                ("cheetah_zero_order",),
                at="rollouts",
                beside=True,
            ),
            Part(
                "HalfCheetah, 20 queries against 100",
                "figure_a2",
                "medium",
                ("cheetah_first_order_20",),
                ("cheetah_first_order_100",),
                claimed=BELOW,
                at="rollouts",
                beside=True,
            ),
            *WHY_HALF_CHEETAH,
        ),
        lost="how few queries are few; here 20 of each task",
        unknown="the architecture",
        mind=TESTED,
        why="whether it is the number of outer steps, as an iteration of zero order takes the rollouts of eleven of "
        "first order, or the queries. Beside are both after as many iterations, zero order with outer steps of 0.05 "
        "for 0.01, and first order with 5 queries",
        found="it is the queries. With 5 for each of its two gradients first order is as poor as the text says, far "
        "below zero order: its few may be fewer than the 20 here. Whether it is the outer steps too five seeds do not "
        "tell: after as many iterations, and with longer outer steps of zero order, the two are not told apart",
    ),
    Claim(
        18,
        "Algorithm 4's Hessian has a high variance, and often harms.",
        PAPER,
        "3.2, A.1.2",
        "computed, of f = 7 + b x + x' A x / 2 in 6 dimensions, 50 directions, sigma 0.1: standard error of Algorithm "
        "4 over the size of the Hessian. Harms: test reward after adaptation with it less without, rewards "
        "standardised",
        (
            Part(
                "Ant, with against without", "figure_a1", "medium", ("ant_with_plain",), ("ant_without",), claimed=BELOW
            ),
            Part(
                "Ant, with a control variate against without",
                "figure_a1",
                "medium",
                ("ant_with",),
                ("ant_without",),
                claimed=BELOW,
                beside=True,
            ),
            _corners("with against without", "corners_with_plain", "corners_without", beside=True),
        ),
        (Computed("standard error over the Hessian's size", hessian_error, ABOVE),),
        mind=f"{TESTED}. The numbers that f is made of are ours; without the 7 the error is 5.7 times the size",
    ),
)

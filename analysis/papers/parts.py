"""What a claim is made of: parts, each one number over seeds, and numbers that are computed without any run."""

from collections.abc import Callable
from dataclasses import dataclass

PAPER, ROBOT, EVO = "ES-MAML", "robot paper", "Evo-MAML"
ABOVE, BELOW, EQUAL, NOT_BELOW, NOT_ABOVE, EXACTLY, NOTHING = (
    "above",
    "below",
    "equal",
    "not below",
    "not above",
    "exactly",
    "nothing",
)
BODIES = (("HalfCheetah", "cheetah"), ("Swimmer", "swimmer"), ("Walker2d", "walker2d"), ("Ant", "ant"))


@dataclass(frozen=True)
class Part:
    """One number over seeds that bears on a claim.

    ``points`` of configs/EXPERIMENT.toml in ``size``, of which a seed's number is the mean, less that of ``less`` if
    there are any; ``against``: the other side, and ``against_less``; without it ``threshold`` is compared with.
    ``quantity`` is a key of verdicts/quantities.QUANTITIES, ``at`` of series.COSTS. ``claimed``: on which side of 0 the
    difference is; or, within ``margin`` times what training has gained on the other side, ``equal`` to 0 or on neither
    the one nor the other; or ``exactly`` 0 in every seed; or nothing. ``beside``: ours, not the paper's: shown, and
    without weight in the verdict. ``scaled``: numbers of a point and of the one it is compared with are divided by
    their mean size, so that tasks with other units weigh as much.
    """

    about: str
    experiment: str
    size: str
    points: tuple[str, ...]
    against: tuple[str, ...] = ()
    quantity: str = "after"
    claimed: str = ABOVE
    threshold: float = 0.0
    at: str = "iteration"
    margin: float = 0.0
    less: tuple[str, ...] = ()
    against_less: tuple[str, ...] = ()
    beside: bool = False
    scaled: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """All its points."""
        return (*self.points, *self.less, *self.against, *self.against_less)


def counted(part: Part) -> bool:
    """Whether a part has a say in its claim's verdict."""
    return not part.beside and part.claimed != NOTHING


@dataclass(frozen=True)
class Computed:
    """A number that needs no run: ``compute()`` gives it and what it is held against; ``claimed``: ABOVE or EXACTLY."""

    about: str
    compute: Callable[[], tuple[float, float]]
    claimed: str = EXACTLY


@dataclass(frozen=True)
class Claim:
    """``number`` as in the list of the papers' claims; ``section`` of the paper; ``measured``: how its words are read;
    ``lost``: what the text at hand has lost, or ""; ``unknown``: what else stands on a guess. ``pictured``: label and
    place (experiment/size/point) of meta-policies whose paths the paper's figure shows. ``why``: what was asked beside,
    where runs did not say what the paper says, or not as plainly; its parts begin with "Why". ``found``: what these
    said, in words and after them. ``mind``: what the verdict does not show, where a reader may think that it does; also
    written after runs, and without weight.
    """

    number: int
    words: str
    paper: str
    section: str
    measured: str
    parts: tuple[Part, ...] = ()
    computed: tuple[Computed, ...] = ()
    lost: str = ""
    unknown: str = ""
    pictured: tuple[tuple[str, str], ...] = ()
    why: str = ""
    found: str = ""
    mind: str = ""


def each(pattern: str, *names) -> tuple[str, ...]:
    """Names of points by a pattern."""
    return tuple(pattern.format(name) for name in names)

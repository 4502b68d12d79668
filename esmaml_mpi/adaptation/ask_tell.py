"""Adaptation by ask and tell: one policy at a time is tried, on a robot for example, and its reward told.

What a session asks for is decided by the operators that training uses, driven as one unit with one task. Operator,
theta, seed and the rewards so far are its whole state: a session made again from them goes on bit for bit.
"""

import hashlib
import math
from collections.abc import Iterable
from numbers import Real

import numpy as np

from esmaml_mpi.adaptation import Operator, is_enough
from esmaml_mpi.adaptation.confidence import Confidence, confidence
from esmaml_mpi.adaptation.meta_parameters import adapting, own_size
from esmaml_mpi.directions.drawing import Directions, Source
from esmaml_mpi.directions.gaussian import Gaussian
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import UsageError
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.reproducibility.exact_sums import LARGEST
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.settings.fields import show


class Adaptation:
    """An adaptation of theta (d,) under way; ``ask`` and ``tell`` take turns until ``done``."""

    def __init__(
        self,
        operator: Operator,
        theta: np.ndarray,
        seed: int = 0,
        rewards: Iterable[float] = (),
        *,
        sampler: Sampler = Gaussian(),  # noqa: B008 (frozen)
        subspace: Subspace | None = None,
        at: Round = Round(Phase.EVALUATE, 0),  # noqa: B008 (frozen)
        task: int = 0,
        policy: AnyPolicy | None = None,
        draws: str = "fresh",
    ):
        """``rewards`` are those told before the session was interrupted.

        ``sampler`` draws its directions, which ``at`` and ``task`` key beside ``seed``: those of the first of the
        evaluation's repeats; with ``draws`` = "fixed" they are keyed by nothing, with "by_task" by ``task`` alone.
        ``policy`` is wanted where the operator has meta-parameters of its own, which then follow those of the policy in
        theta (d + e,).
        """
        if getattr(operator, "uses_recordings", False):
            raise UsageError(
                f"adaptation.operator = {operator.operator!r}: it learns from the observations, actions and rewards of "
                "every step, and a session is told one reward a trial."
            )
        if getattr(operator, "uses_memory", False):
            raise UsageError(
                f"adaptation.operator = {operator.operator!r}: its policy adapts while it acts, from the rewards of "
                "all steps, and a session is told one reward a trial. MetaPolicy.bind(theta) acts and is told them "
                "(docs/recurrent.md)."
            )
        theta = np.array(theta, dtype=float)
        if theta.ndim != 1 or not np.isfinite(theta).all():
            raise UsageError(f"theta of shape {theta.shape}: finite parameters (d,) are wanted.")
        count = own_size(operator, policy)
        theta, own = np.split(theta, [len(theta) - count])
        self.operator = operator
        self.rewards: list[float] = []  # -inf: the trial has failed
        self._tried: list[bytes] = []  # a digest of each trial's parameters
        self._theta = theta
        self._adapted: np.ndarray | None = None
        self._best_tried, self._best_reward = theta, -math.inf
        self._source = Source(sampler, Streams(seed), subspace, draws)
        self._at, self._task, self._draws = at, task, 0
        self._centre: np.ndarray | None = theta if getattr(operator, "tells_centre", False) else None
        start, directions = theta[:, None, None].copy(), Directions(self._normals, self._source)
        self._operator_run = adapting(operator, policy, start, own[:, None, None], directions, self._note_centre)
        self._queries, self._step = np.empty((len(theta), 1, 1, 0)), -1
        self._answers: list[float] = []
        self._go_on(None)
        for reward in rewards:
            self.tell(reward)

    @property
    def done(self) -> bool:
        """Whether there is nothing more to try."""
        return self._adapted is not None

    @property
    def trials(self) -> int:
        """How many rewards have been told."""
        return len(self.rewards)

    @property
    def total(self) -> int:
        """How many rewards it takes at most."""
        return self.operator.rollouts

    @property
    def best(self) -> np.ndarray:
        """The parameters (d,) to use if it ended now; when done, those that the operator returned.

        Before that the operator's centre as of its last full batch of trials, theta at first. For an operator that
        does not tell its centre, the policy with the highest single reward so far, or theta.
        """
        if self._adapted is not None:
            return self._adapted.copy()
        return (self._best_tried if self._centre is None else self._centre).copy()

    @property
    def confidence(self) -> Confidence:
        """What is known of the best policy tried and of ``best``, the pivot, where rewards are noisy."""
        return confidence(self._tried, self.rewards, _digest(self.best))

    @property
    def batch(self) -> tuple[int, np.ndarray, int]:
        """The operator's present queries, which an evaluation tries together: their number in the sequence, their
        parameters (d, Q), and how many of their rewards have been told.
        """
        return self._step, self._queries[:, 0, 0], len(self._answers)

    def ask(self) -> np.ndarray:
        """Parameters (d,) to try next; the same ones until their reward is told. UsageError when done."""
        if self.done:
            raise UsageError(f"the adaptation is done after {self.trials} trials; there is nothing more to try.")
        return self._queries[:, 0, 0, len(self._answers)].copy()

    def tell(self, reward: float) -> None:
        """The reward of the parameters last asked for; UsageError, and nothing happens, if it is none.

        nan or -inf: the trial has failed, say because the robot fell, and has no reward. Operators that select bear
        it and never choose such a policy; a gradient has no use for it, and it is refused: try again, or tell a number
        that is bad enough.
        """
        if self.done:
            raise UsageError(f"the adaptation is done after {self.trials} trials; no further reward is wanted.")
        value = self._checked(reward)
        asked = self.ask()
        if value > self._best_reward:
            self._best_tried, self._best_reward = asked, value
        self._tried.append(_digest(asked))
        self.rewards.append(value)
        self._answers.append(value)
        left = self._queries.shape[-1] - len(self._answers)
        if left and is_enough(self.operator, self._step, value):
            self._answers += [math.nan] * left
            left = 0
        if not left:
            self._go_on(np.array(self._answers).reshape(1, 1, -1))

    def _checked(self, reward: float) -> float:
        if not isinstance(reward, Real) or isinstance(reward, bool):
            raise UsageError(f"reward {show(reward)}: a number is wanted.")
        try:
            value = float(reward)
        except OverflowError:
            value = math.inf
        if math.isfinite(value) and abs(value) < LARGEST:
            return value
        if math.isfinite(value) or value == math.inf:
            raise UsageError(f"reward {value:g}: a number of less than 2**126 is wanted, or nan for a failed trial.")
        if not getattr(self.operator, "bears_failures", False):
            raise UsageError(
                f"reward {value}: this operator needs the reward of every trial. Try the same policy again, or give a "
                "failed trial a low finite reward."
            )
        return -math.inf

    def _go_on(self, rewards: np.ndarray | None) -> None:
        """The operator's next queries, or its end."""
        self._answers, self._step = [], self._step + 1
        try:
            with np.errstate(all="ignore"):
                run = self._operator_run
                self._queries = next(run) if rewards is None else run.send(rewards)
        except StopIteration as end:
            self._adapted = end.value[:, 0, 0].copy()

    def _note_centre(self, parameters: np.ndarray) -> None:
        self._centre = parameters[:, 0, 0].copy()

    def _normals(self, count: int, size: int | None = None) -> np.ndarray:
        """The next (d, 1, 1, count) directions, or (size, 1, 1, count)."""
        drawn = np.empty((size or len(self._theta), count))
        self._source.fill(drawn, Purpose.ADAPTATION, self._at, task=self._task, step=self._draws)
        self._draws += 1
        return drawn[:, None, None]


def _digest(parameters: np.ndarray) -> bytes:
    """Equal for equal parameters."""
    return hashlib.blake2b(parameters.tobytes(), digest_size=16).digest()

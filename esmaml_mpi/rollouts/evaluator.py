"""Adapt units, then score what came out: the work of one rank in one round."""

import itertools
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Purpose
from esmaml_mpi.rollouts.deadline import DeadlineExceeded, deadline, exit_at_once
from esmaml_mpi.rollouts.simulate import RolloutError, block_size
from esmaml_mpi.rollouts.trials import RolloutSetup, Trials
from esmaml_mpi.rollouts.units import Status, Tally, Units
from esmaml_mpi.tasks.workspace import Workspace

# Of parameters (d, U, T) and the Trials of these units: yields parameters (d, U, T, Q), as operators do, is sent what
# came of them, and returns (any, U, T).
AskTell = Callable[[np.ndarray, Trials], Generator[np.ndarray, Any, np.ndarray]]
Found = TypeVar("Found")


@dataclass
class Outcome:
    """Results of U units on T tasks each.

    Returns ``after`` adaptation (U, T), ``before`` it (U, T) if asked for, and the tally.
    """

    after: np.ndarray
    before: np.ndarray | None
    tally: Tally


Work = Callable[[np.ndarray, Units, Observer], Outcome]  # on points (d, U) of these units


class Evaluator:
    """Runs units on ``threads`` threads; results do not depend on how many, nor on which units share a call."""

    def __init__(self, setup: RolloutSetup, operator: Operator, threads: int = 1, timeout: float = 0.0):
        """``timeout``: seconds a unit may take, 0 for no limit; a call with n units may take n times as long."""
        self.setup, self.operator, self._timeout = setup, operator, timeout
        self.give_up = exit_at_once  # when a unit cannot even be interrupted
        self._pool = None
        if threads > 1:
            from concurrent.futures import ThreadPoolExecutor  # most workers have one thread and need not carry it

            self._pool = ThreadPoolExecutor(threads)
        self._threads = threads
        self._workspaces = [Workspace() for _ in range(threads)]

    @property
    def block(self) -> int:
        """How many rollouts are worth asking for at once."""
        return block_size(self.setup.policy, self.setup.family) * self._threads

    def evaluate(
        self,
        points: np.ndarray,
        units: Units,
        observer: Observer,
        before: bool = False,
        subspace: Subspace | None = None,
    ) -> Outcome:
        """Adapt and score meta-policies ``points`` (d, U). ``subspace`` is what samplers of directions may use.

        Units in which the task family raises, or which exceed the time limit, are marked, not lost silently.
        """
        return self._guarded(partial(self._evaluate, before=before, subspace=subspace), points, units, observer, before)

    def rollouts(self, points: np.ndarray, units: Units, observer: Observer, purpose: Purpose) -> Outcome:
        """Score meta-policies ``points`` (d, U) as they are; failures as in ``evaluate``.

        ``observer`` may be one for each unit.
        """
        return self._guarded(partial(self._unadapted, purpose=purpose), points, units, observer)

    def contributions(
        self, ask_tell: AskTell, points: np.ndarray, units: Units, observer: Observer, width: int
    ) -> Outcome:
        """Rows (U, width) that an AskTell makes of units of one task each; failures as in ``evaluate``."""

        def work(points: np.ndarray, units: Units, observer: Observer) -> Outcome:
            found, tally = self._asked_and_told(ask_tell, points, units, observer, None)
            return Outcome(found[:, :, 0].T, None, tally)

        return self._guarded(work, points, units, observer, width=width)

    def _guarded(
        self,
        work: Work,
        points: np.ndarray,
        units: Units,
        observer: Observer,
        before: bool = False,
        width: int | None = None,
    ) -> Outcome:
        failed = partial(self._failed, points, units, before, width or units.tasks.shape[1])
        try:
            with deadline(self._timeout * len(units), self.give_up):
                return work(points, units, observer)
        except RolloutError as error:
            if len(units) == 1:
                cause = "".join(traceback.format_exception(error.__cause__)).rstrip()
                return failed(Status.RAISED, f"{error}\n{cause}")
        except DeadlineExceeded as error:
            if len(units) == 1:
                return failed(Status.TIMED_OUT, f"not done after {self._timeout:g} s, in {error}")
        # One unit of many failed: find out which, by giving each a batch of its own.
        alone = [
            self._guarded(work, points[:, i : i + 1], units[i : i + 1], observer.of(slice(i, i + 1)), before, width)
            for i in range(len(units))
        ]
        return Outcome(
            np.concatenate([one.after for one in alone]),
            np.concatenate([one.before for one in alone]) if before else None,
            Tally.joined([one.tally for one in alone]),
        )

    def adapt(
        self, points: np.ndarray, units: Units, observer: Observer, subspace: Subspace | None = None
    ) -> tuple[np.ndarray, Tally]:
        """Adapted parameters (d, U, T) of meta-policies (d, U)."""
        return self._asked_and_told(self._adaptation, points, units, observer, subspace)

    def _adaptation(self, theta: np.ndarray, trials: Trials) -> Generator[np.ndarray, Any, np.ndarray]:
        return self.operator.adapt(theta, trials.directions)

    def _asked_and_told(
        self, ask_tell: AskTell, points: np.ndarray, units: Units, observer: Observer, subspace: Subspace | None
    ) -> tuple[np.ndarray, Tally]:
        """What an AskTell comes to, (any, U, T)."""
        limit = block_size(self.setup.policy, self.setup.family)
        queries = self.operator.queries_at_once * units.tasks.shape[1] * self.setup.episodes
        rounds = -(-len(units) // (max(1, limit // queries) * self._threads))  # so that every thread has as many
        blocks = min(len(units), rounds * self._threads)
        found, tallies = [], []
        for part, tally in self._map(
            self._ask_and_tell, self._split(len(units), blocks), ask_tell, points, units, observer, subspace
        ):
            found.append(part)
            tallies.append(tally)
        return _joined(found, axis=1), Tally.joined(tallies)

    def score(
        self, parameters: np.ndarray, units: Units, observer: Observer, purpose: Purpose
    ) -> tuple[np.ndarray, Tally]:
        """Mean returns (U, T) of one fresh rollout (or ``episodes``) of parameters (d, U, T)."""
        values, tallies = [], []
        blocks = self._split(len(units), min(len(units), self._threads))
        for value, tally in self._map(self._score_block, blocks, parameters, units, observer, purpose):
            values.append(value)
            tallies.append(tally)
        return _joined(values, axis=0), Tally.joined(tallies)

    def _evaluate(
        self, points: np.ndarray, units: Units, observer: Observer, before: bool, subspace: Subspace | None
    ) -> Outcome:
        unadapted, first = None, None
        if before:
            unadapted, first = self.score(_spread(points, units), units, observer, Purpose.BEFORE_EPISODE)
        adapted, tally = self.adapt(points, units, observer, subspace)
        if first:
            tally += first
        after, part = self.score(adapted, units, observer, Purpose.AFTER_EPISODE)
        tally += part
        return Outcome(after, unadapted, tally)

    def _unadapted(self, points: np.ndarray, units: Units, observer: Observer, purpose: Purpose) -> Outcome:
        after, tally = self.score(_spread(points, units), units, observer, purpose)
        return Outcome(after, None, tally)

    def _ask_and_tell(
        self,
        block: slice,
        workspace: Workspace,
        ask_tell: AskTell,
        points: np.ndarray,
        units: Units,
        observer: Observer,
        subspace: Subspace | None,
    ) -> tuple[np.ndarray, Tally]:
        trials = Trials(self.setup, units[block], observer, workspace, Purpose.QUERY_EPISODE, subspace)
        answer = trials.answers(self.operator)
        session = ask_tell(_spread(points[:, block], trials.units), trials)
        with np.errstate(all="ignore"):  # a failed rollout may be inf or nan here; its unit is marked in the tally
            try:
                queries = next(session)
                while True:
                    queries = session.send(answer(queries))
            except StopIteration as done:
                return done.value, trials.tally

    def _score_block(
        self,
        block: slice,
        workspace: Workspace,
        parameters: np.ndarray,
        units: Units,
        observer: Observer,
        purpose: Purpose,
    ) -> tuple[np.ndarray, Tally]:
        trials = Trials(self.setup, units[block], observer.of(block), workspace, purpose)
        return trials.evaluate(np.ascontiguousarray(parameters[:, block, :, None]))[..., 0], trials.tally

    def _split(self, units: int, blocks: int) -> list[slice]:
        edges = [units * i // blocks for i in range(blocks + 1)]
        return [slice(a, b) for a, b in itertools.pairwise(edges)]

    def _map(self, function: Callable[..., Found], blocks: list[slice], *arguments: object) -> list[Found]:
        if self._pool is None:
            return [function(block, self._workspaces[0], *arguments) for block in blocks]
        # Thread i takes every threads-th block, so that each workspace has one user.
        lanes = [
            self._pool.submit(
                lambda w, mine: [function(b, w, *arguments) for b in mine], workspace, blocks[i :: self._threads]
            )
            for i, workspace in enumerate(self._workspaces)
        ]
        for lane in lanes:
            lane.exception()  # wait for all, also when one raised: the others still use their workspaces
        results = [lane.result() for lane in lanes]
        return [results[i % self._threads][i // self._threads] for i in range(len(blocks))]

    def _failed(
        self, points: np.ndarray, units: Units, before: bool, width: int, status: Status, reason: str
    ) -> Outcome:
        """The outcome of one failed unit, after saying which it was."""
        at, tasks = units.round, units.tasks[0]
        with np.printoptions(precision=6, threshold=8):
            print(
                f"esmaml: failed evaluation (stream {units.streams[0]}, {at.phase.name.lower()} iteration "
                f"{at.iteration}, tasks {tasks.tolist()} with parameters {self.setup.task_table[:, tasks].T.tolist()}, "
                f"meta-policy {points[:, 0]}): {reason}",
                flush=True,
            )
        tally = Tally.empty(1, self.setup.policy.observation_size)
        tally.status[:] = status
        nothing = np.full((1, width), np.nan)
        return Outcome(nothing, nothing.copy() if before else None, tally)


def _joined(parts: list[np.ndarray], axis: int) -> np.ndarray:
    """Side by side; no copy of a single one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


def _spread(points: np.ndarray, units: Units) -> np.ndarray:
    """The same parameters for every task of a unit: (d, U) -> (d, U, T)."""
    return np.repeat(points[:, :, None], units.tasks.shape[1], axis=2)

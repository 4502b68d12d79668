"""Adapt units, then score what came out: the work of one rank in one round."""

import traceback
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import numpy as np

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.adaptation.meta_parameters import adapting, own_size
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.native.door import keep_memory
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Purpose
from esmaml_mpi.rollouts.causes import Cause, Causes
from esmaml_mpi.rollouts.deadline import DeadlineExceeded, deadline, exit_at_once
from esmaml_mpi.rollouts.lanes import Lanes, split
from esmaml_mpi.rollouts.outcome import Outcome, Scored, joined
from esmaml_mpi.rollouts.simulate import RolloutError, block_size
from esmaml_mpi.rollouts.trial_scores import scored_by_trials
from esmaml_mpi.rollouts.trials import RolloutSetup, Trials
from esmaml_mpi.rollouts.units import Status, Tally, Units
from esmaml_mpi.tasks.workspace import Workspace

# Of parameters (d, U, T) and the Trials of these units: yields parameters (d, U, T, Q), as operators do, is sent what
# came of them, and returns (any, U, T).
AskTell = Callable[[np.ndarray, Trials], Generator[np.ndarray, Any, np.ndarray]]
UNKNOWN = Cause("not finite", "a number was not finite, or squares of observations came to 2**126 and more")
FEW = 2**14  # numbers of an array that a C library finds room for without asking the system


Work = Callable[[np.ndarray, Units, Observer], Outcome]  # on points (d, U) of these units


class Evaluator:
    """Runs units on ``threads`` threads; results do not depend on how many, nor on which units share a call."""

    def __init__(self, setup: RolloutSetup, operator: Operator, threads: int = 1, timeout: float = 0.0):
        """``timeout``: seconds a unit may take, 0 for no limit; a call with n units may take n times as long."""
        self.setup, self.operator, self._timeout = setup, operator, timeout
        self.give_up = exit_at_once  # when a unit cannot even be interrupted
        self.causes = Causes()  # of evaluations that failed here, until somebody takes them to tell of them
        self._lanes = Lanes(threads)

    @property
    def block(self) -> int:
        """How many rollouts are worth asking for at once."""
        return block_size(self.setup.policy, self.setup.family) * self._lanes.threads

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
        self, ask_tell: AskTell, points: np.ndarray, units: Units, observer: Observer, width: int, queries: int
    ) -> Outcome:
        """Rows (U, width) that an AskTell, which yields ``queries`` policies at once, makes of units of one task each;
        failures as in ``evaluate``.
        """

        def work(points: np.ndarray, units: Units, observer: Observer) -> Outcome:
            found, tally = self._asked_and_told(ask_tell, points, units, observer, None, queries)
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
                outcome = work(points, units, observer)
            self._note(outcome.tally)
            return outcome
        except RolloutError as error:
            if len(units) == 1:
                return failed(Status.RAISED, str(error), error.__cause__)
        except DeadlineExceeded as error:
            if len(units) == 1:
                return failed(Status.TIMED_OUT, f"not done after {self._timeout:g} s, in {error}", None)
        # One unit of many failed: find out which, by giving each a batch of its own.
        return Outcome.joined(
            [
                self._guarded(work, points[:, i : i + 1], units[i : i + 1], observer.of(slice(i, i + 1)), before, width)
                for i in range(len(units))
            ]
        )

    def adapt(
        self, points: np.ndarray, units: Units, observer: Observer, subspace: Subspace | None = None
    ) -> tuple[np.ndarray, Tally]:
        """Adapted parameters (d, U, T) of meta-policies (d, U)."""
        return self._asked_and_told(self._adaptation, points, units, observer, subspace, self.operator.queries_at_once)

    def _adaptation(self, theta: np.ndarray, trials: Trials) -> Generator[np.ndarray, Any, np.ndarray]:
        policy = self.setup.policy
        d = len(theta) - own_size(self.operator, policy)
        return adapting(self.operator, policy, theta[:d], theta[d:], trials.directions)

    def _asked_and_told(
        self,
        ask_tell: AskTell,
        points: np.ndarray,
        units: Units,
        observer: Observer,
        subspace: Subspace | None,
        queries: int,
    ) -> tuple[np.ndarray, Tally]:
        """What an AskTell comes to, (any, U, T)."""
        parts = self._lanes.map(self._asked_in_blocks, len(units), ask_tell, points, units, observer, subspace, queries)
        return joined([found for found, _ in parts], axis=1), Tally.joined([tally for _, tally in parts])

    def score(
        self, parameters: np.ndarray, units: Units, observer: Observer, purpose: Purpose
    ) -> tuple[np.ndarray, Tally]:
        """Mean returns (U, T) of one fresh rollout (or ``episodes``) of parameters (d, U, T)."""
        parts = self._lanes.map(self._scored, len(units), parameters, units, observer, purpose)
        return joined([part.returns for part in parts], axis=0), Tally.joined([part.tally for part in parts])

    def _evaluate(
        self, points: np.ndarray, units: Units, observer: Observer, before: bool, subspace: Subspace | None
    ) -> Outcome:
        return Outcome.joined(
            self._lanes.map(self._adapted_and_scored, len(units), points, units, observer, before, subspace)
        )

    def _unadapted(self, points: np.ndarray, units: Units, observer: Observer, purpose: Purpose) -> Outcome:
        after, tally = self.score(_spread(points, units), units, observer, purpose)
        return Outcome(after, None, tally)

    def _adapted_and_scored(
        self,
        lane: slice,
        workspace: Workspace,
        points: np.ndarray,
        units: Units,
        observer: Observer,
        before: bool,
        subspace: Subspace | None,
    ) -> Outcome:
        points, units, observer = points[:, lane], units[lane], observer.of(lane)
        every, first = slice(None), None
        if before:
            spread = _spread(points[: self.setup.policy.size], units)
            first = self._scored(every, workspace, spread, units, observer, Purpose.BEFORE_EPISODE)
        by_trials = self.setup.scored_by_trials and units.round.phase is Phase.TRAIN
        ask_tell = partial(scored_by_trials, self._adaptation) if by_trials else self._adaptation
        found, tally = self._asked_in_blocks(
            every, workspace, ask_tell, points, units, observer, subspace, self.operator.queries_at_once
        )
        if first:
            tally += first.tally
        if by_trials:
            return Outcome(found[0], first.returns if first else None, tally)
        last = self._scored(every, workspace, found, units, observer, Purpose.AFTER_EPISODE)
        tally += last.tally
        unadapted, succeeded = (first.returns, first.successes) if first else (None, None)
        return Outcome(last.returns, unadapted, tally, last.successes, succeeded)

    def _asked_in_blocks(
        self,
        lane: slice,
        workspace: Workspace,
        ask_tell: AskTell,
        points: np.ndarray,
        units: Units,
        observer: Observer,
        subspace: Subspace | None,
        queries: int,
    ) -> tuple[np.ndarray, Tally]:
        points, units, observer = points[:, lane], units[lane], observer.of(lane)
        limit = block_size(self.setup.policy, self.setup.family)
        queries = max(queries, 1) * units.tasks.shape[1] * self.setup.episodes
        if len(points) * len(units) * queries > FEW:
            keep_memory()
        blocks = split(len(units), -(-len(units) // max(1, limit // queries)))
        parts = [
            self._ask_and_tell(workspace, ask_tell, points[:, block], units[block], observer.of(block), subspace)
            for block in blocks
        ]
        return joined([found for found, _ in parts], axis=1), Tally.joined([tally for _, tally in parts])

    def _ask_and_tell(
        self,
        workspace: Workspace,
        ask_tell: AskTell,
        points: np.ndarray,
        units: Units,
        observer: Observer,
        subspace: Subspace | None,
    ) -> tuple[np.ndarray, Tally]:
        trials = Trials(self.setup, units, observer, workspace, Purpose.QUERY_EPISODE, subspace)
        answer = trials.answers(self.operator)
        session = ask_tell(_spread(points, units), trials)
        with np.errstate(all="ignore"):  # a failed rollout may be inf or nan here; its unit is marked in the tally
            try:
                queries = next(session)
                while True:
                    queries = session.send(answer(queries))
            except StopIteration as done:
                return done.value, trials.tally

    def _scored(
        self,
        lane: slice,
        workspace: Workspace,
        parameters: np.ndarray,
        units: Units,
        observer: Observer,
        purpose: Purpose,
    ) -> Scored:
        trials = Trials(self.setup, units[lane], observer.of(lane), workspace, purpose)
        returns = trials.evaluate(np.ascontiguousarray(parameters[:, lane, :, None]))[..., 0]
        successes = None if trials.successes is None else trials.successes[..., 0]
        return Scored(returns, trials.tally, successes)

    def _note(self, tally: Tally) -> None:
        """Remember why units have failed that did not raise."""
        for unit in np.flatnonzero(~tally.good):
            self.causes.add(tally.causes.get(int(unit), UNKNOWN))

    def _failed(
        self,
        points: np.ndarray,
        units: Units,
        before: bool,
        width: int,
        status: Status,
        reason: str,
        raised: BaseException | None,
    ) -> Outcome:
        """The outcome of one failed unit, after noting which it was."""
        at, tasks = units.round, units.tasks[0]
        with np.printoptions(precision=6, threshold=8):
            report = (
                f"failed evaluation (stream {units.streams[0]}, {at.phase.name.lower()} iteration {at.iteration}, "
                f"tasks {tasks.tolist()} with parameters {self.setup.task_table[:, tasks].T.tolist()}, meta-policy "
                f"{points[:, 0]}): {reason}"
            )
        if raised is None:
            self.causes.add(Cause(reason, reason, report))
        else:
            trace = "".join(traceback.format_exception(raised)).rstrip()
            self.causes.add(Cause.raised(raised, reason, f"{report}\n{trace}"))
        tally = Tally.empty(1, self.setup.policy.observation_size)
        tally.status[:] = status
        nothing = np.full((1, width), np.nan)
        return Outcome(nothing, nothing.copy() if before else None, tally)


def _spread(points: np.ndarray, units: Units) -> np.ndarray:
    """The same parameters for every task of a unit: (d, U) -> (d, U, T)."""
    return np.repeat(points[:, :, None], units.tasks.shape[1], axis=2)

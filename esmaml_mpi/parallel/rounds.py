"""One collective round: broadcast the request, evaluate this rank's units, gather scalars, reduce observation sums.

Rank 0 calls ``run`` once per round; the others sit in ``serve`` until ``stop``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.exact import LIMBS, to_limbs
from esmaml_mpi.experiment import Experiment, Request
from esmaml_mpi.parallel.plan import deal
from esmaml_mpi.parallel.world import RankLost, World
from esmaml_mpi.rollouts import Observer
from esmaml_mpi.units import Status, Tally

RUN, STOP = 1, 2
HEADER = 6  # command, iteration, attempt, train, test, seed
COUNTERS = 4  # observations, rollouts, steps, ranks that were asked to stop


@dataclass
class Reply:
    """What rank 0 knows after a round.

    ``values`` (E,), ``before`` and ``after`` (test tasks, repeats): nan where the unit failed.
    """

    values: np.ndarray
    before: np.ndarray
    after: np.ndarray
    failed: int  # training units
    rollouts: int
    steps: int
    observations: int
    limbs: np.ndarray  # (2n, LIMBS): training observation sums and sums of squares
    stop_requested: bool
    seconds: dict[str, float]


@dataclass(frozen=True)
class Recovery:
    """Ranks were lost and the survivors went on."""

    lost: int
    left: int
    seconds: float


class Promoted(Exception):
    """Raised on the rank that has become rank 0; ``args[0]`` is the Recovery."""


class Rounds:
    """The protocol, the same object on every rank. ``stop_requested`` tells whether this rank was asked to stop."""

    def __init__(self, world: World, experiment: Experiment, stop_requested: Callable[[], bool] = lambda: False):
        self.world, self.experiment, self.stop_requested = world, experiment, stop_requested
        self.recoveries: list[Recovery] = []  # that rank 0 has yet to record
        self._packet = np.empty(
            8 * (HEADER + experiment.policy.size + 2 * experiment.policy.observation_size), dtype=np.uint8
        )
        self._header = self._packet[: 8 * HEADER].view(np.int64)
        self._numbers = self._packet[8 * HEADER :].view(np.float64)

    def run(self, request: Request) -> Reply:
        """Rank 0: have the request evaluated by all ranks, again if one of them dies meanwhile."""
        while True:
            try:
                return self._run(request)
            except RankLost:
                self.recoveries.append(self._recover())

    def _run(self, request: Request) -> Reply:
        start = time.perf_counter()
        self._header[:] = (
            RUN,
            request.iteration,
            request.attempt,
            request.train,
            request.test,
            self.experiment.config.run.seed,
        )
        self._numbers[:] = np.concatenate([request.theta, request.observer.mean, request.observer.std])
        self.world.broadcast(self._packet)
        return self._round(request, start)

    def stop(self, code: int) -> None:
        """Rank 0: send the others home with an exit code."""
        while True:
            self._header[:2] = STOP, code
            try:
                self.world.broadcast(self._packet)
                if self.world.leave():
                    return
            except RankLost:
                self.world.recover()

    def serve(self) -> int:
        """Other ranks:

        evaluate until told to stop; returns the exit code. Raises Promoted if all ranks before it died.
        """
        while True:
            try:
                start = time.perf_counter()
                self.world.broadcast(self._packet)
                if self._header[0] != STOP:
                    self._round(self._request(), start)
                elif self.world.leave():
                    return int(self._header[1])
            except RankLost:
                recovery = self._recover()
                if self.world.rank == 0:
                    raise Promoted(recovery) from None
            if self.world.rank == 0:  # rank 0 died while it sent the others home
                raise Promoted(Recovery(1, self.world.size, 0.0))

    def _request(self) -> Request:
        """The request in the packet that has just arrived."""
        size, n = self.experiment.policy.size, self.experiment.policy.observation_size
        _, iteration, attempt, train, test, seed = self._header.tolist()
        assert seed == self.experiment.config.run.seed, "ranks disagree on the run"
        numbers = self._numbers.copy()
        observer = Observer(numbers[size : size + n], numbers[size + n :])
        return Request(iteration, attempt, bool(train), bool(test), numbers[:size], observer)

    def _recover(self) -> "Recovery":
        start, before = time.perf_counter(), self.world.size
        self.world.recover()
        return Recovery(before - self.world.size, self.world.size, time.perf_counter() - start)

    def _round(self, request: Request, start: float) -> Reply | None:
        ticks = [start, time.perf_counter()]
        experiment, world = self.experiment, self.world
        train = deal(experiment.algorithm.evaluations if request.train else 0, world.size)
        test = deal(experiment.held_out.evaluations if request.test else 0, world.size, reverse=True)
        n = experiment.policy.observation_size
        sums = np.zeros(COUNTERS + 2 * n * LIMBS, dtype=np.int64)
        records = []  # a row per unit: before, after, status
        if train[world.rank]:
            outcome = experiment.train_units(request, train[world.rank])
            value = np.add.reduce(outcome.after, axis=1) / outcome.after.shape[1]
            records.append(_records(np.full_like(value, np.nan), value, outcome.tally))
            good = outcome.tally.status == Status.OK
            sums[:3] = outcome.tally.steps[good].sum(), outcome.tally.rollouts.sum(), outcome.tally.steps.sum()
            sums[COUNTERS:] = to_limbs(outcome.tally.observation_sums[:, good]).sum(axis=1).ravel()
        if test[world.rank]:
            outcome = experiment.test_units(request, test[world.rank])
            records.append(_records(outcome.before[:, 0], outcome.after[:, 0], outcome.tally))
        sums[3] = self.stop_requested()
        ticks.append(time.perf_counter())
        counts = [len(a) + len(b) for a, b in zip(train, test, strict=True)]
        gathered = world.gather(np.concatenate(records) if records else np.empty((0, 3)), counts)
        world.sum(sums)
        ticks.append(time.perf_counter())
        if world.rank != 0:
            return None
        return self._reply(gathered, train, test, sums, ticks)

    def _reply(self, gathered, train, test, sums, ticks) -> Reply:
        """Put the ranks' rows, train then test for each rank, back into unit order."""
        gathered[gathered[:, 2] != Status.OK, :2] = np.nan
        is_train = np.concatenate(
            [np.repeat([True, False], [len(a), len(b)]) for a, b in zip(train, test, strict=True)]
        )
        held_out = self.experiment.held_out
        shape = (len(held_out.task_ids), held_out.repeats) if any(map(len, test)) else (0, 0)
        return Reply(
            values=gathered[is_train, 1],
            before=gathered[~is_train, 0].reshape(shape),
            after=gathered[~is_train, 1].reshape(shape),
            failed=int((gathered[is_train, 2] != Status.OK).sum()),
            observations=int(sums[0]),
            rollouts=int(sums[1]),
            steps=int(sums[2]),
            stop_requested=bool(sums[3]),
            limbs=sums[COUNTERS:].reshape(-1, LIMBS),
            seconds=dict(zip(("broadcast", "evaluate", "gather"), np.diff(ticks).tolist(), strict=True)),
        )


def _records(before: np.ndarray, after: np.ndarray, tally: Tally) -> np.ndarray:
    status = np.where(np.isfinite(after), tally.status, np.maximum(tally.status, Status.NOT_FINITE))
    return np.stack([before, after, status.astype(float)], axis=1)

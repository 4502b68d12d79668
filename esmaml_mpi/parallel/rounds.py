"""One collective round: broadcast the request, evaluate this rank's units, gather scalars, reduce observation sums.

Rank 0 calls ``run`` once per round; the others sit in ``serve`` until ``stop``.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.meta.stages import Request, Stage
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.parallel.plan import cut, deal, works
from esmaml_mpi.parallel.world import RankLost, World
from esmaml_mpi.reproducibility.exact_sums import LIMBS, to_limbs
from esmaml_mpi.rollouts.units import Status

RUN, STOP = 1, 2
# command, iteration, attempt, test, seed, dimensions of the subspace; of the stage: number, units, width, payload
HEADER = 10
COUNTERS = 4  # observations, rollouts, steps, ranks that were asked to stop


@dataclass
class Reply:
    """What rank 0 knows after a round.

    ``rows`` (units, width) of the stage, ``before`` and ``after`` (test tasks, repeats): nan where the unit failed.
    """

    rows: np.ndarray
    before: np.ndarray
    after: np.ndarray
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
        self._tickets = 0  # given out in earlier rounds of a dynamic plan
        self.recoveries: list[Recovery] = []  # that rank 0 has yet to record
        self.served = False  # whether this rank has had a request of rank 0
        self.under_way = False  # whether rank 0 has begun a round and not ended it
        size, n = experiment.policy.size, experiment.policy.observation_size
        rows = experiment.config.meta.memory_rows if experiment.uses_subspace else 0
        # theta, mean, std; then a subspace's probability, weights and basis, with room for the largest
        self._packet = np.zeros(8 * (HEADER + size + 2 * n + bool(rows) + rows * (1 + size)), dtype=np.uint8)
        self._header = self._packet[: 8 * HEADER].view(np.int64)
        self._numbers = self._packet[8 * HEADER :].view(np.float64)

    def run(self, request: Request) -> Reply:
        """Rank 0: have the request evaluated by all ranks, again if one of them dies meanwhile."""
        self.under_way = True
        while True:
            try:
                reply = self._run(request)
            except RankLost:
                self.recoveries.append(self._recover())
                continue
            self.under_way = False
            return reply

    def _run(self, request: Request) -> Reply:
        start = time.perf_counter()
        stage = request.stage or Stage()
        self._header[:] = (
            RUN,
            request.iteration,
            request.attempt,
            request.test,
            self.experiment.config.run.seed,
            0 if request.subspace is None else request.subspace.weights.size,
            stage.number,
            stage.units,
            stage.width,
            stage.payload.size,
        )
        parts: list[np.ndarray | list[float]] = [request.theta, request.observer.mean, request.observer.std]
        if request.subspace is not None:
            known = request.subspace
            parts += [[known.probability], known.weights, known.basis.ravel()]
        numbers = np.concatenate(parts)
        self._numbers[: numbers.size] = numbers
        self.world.broadcast(self._packet)
        if stage.payload.size:
            self.world.broadcast(np.ascontiguousarray(stage.payload))
        reply = self._round(request, start)
        assert reply is not None  # on rank 0
        return reply

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
        """Evaluate until told to stop, on the other ranks; returns the exit code.

        Raises Promoted if all ranks before it died.
        """
        while True:
            try:
                start = time.perf_counter()
                self.world.broadcast(self._packet)
                if self._header[0] != STOP:
                    self.served = True
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
        """The request in the packet that has just arrived, and its stage's payload, which follows if there is one."""
        size, n = self.experiment.policy.size, self.experiment.policy.observation_size
        _, iteration, attempt, test, seed, r, number, units, width, length = self._header.tolist()
        assert seed == self.experiment.config.run.seed, "ranks disagree on the run"
        theta, mean, std, rest = np.split(self._numbers.copy(), [size, size + n, size + 2 * n])
        subspace = None
        if self.experiment.uses_subspace:
            subspace = Subspace(rest[1 + r : 1 + r + size * r].reshape(size, r), rest[1 : 1 + r], float(rest[0]))
        payload = np.empty(length)
        if length:
            self.world.broadcast(payload)
        stage = Stage(number, units, width, payload) if units else None
        return Request(iteration, attempt, stage, bool(test), theta, Observer(mean, std), subspace)

    def _recover(self) -> "Recovery":
        start, before = time.perf_counter(), self.world.size
        self.world.recover()
        self._tickets = 0
        return Recovery(before - self.world.size, self.world.size, time.perf_counter() - start)

    def _round(self, request: Request, start: float) -> Reply | None:
        ticks = [start, time.perf_counter()]
        experiment, world = self.experiment, self.world
        n = experiment.policy.observation_size
        sums = np.zeros(COUNTERS + 2 * n * LIMBS + world.size, dtype=np.int64)
        counters, limbs, counts = np.split(sums, [COUNTERS, COUNTERS + 2 * n * LIMBS])
        first = stage.units if (stage := request.stage) else 0  # test units come after the training units
        width = max(stage.width if stage else 0, 2 * request.test)
        blocks = [np.empty((0, 1 + width))]  # of units: index, then its numbers, nan where it failed
        for test, indices in self._blocks(request):
            block = np.full((len(indices), 1 + width), np.nan)
            block[:, 0] = np.add(indices, first * test)
            if test:
                outcome = experiment.test_units(request, indices)
                assert outcome.before is not None
                good = (outcome.tally.status == Status.OK) & np.isfinite(outcome.after[:, 0])
                block[good, 1], block[good, 2] = outcome.before[good, 0], outcome.after[good, 0]
            else:
                values, tally = experiment.train_units(request, indices)
                block[:, 1 : 1 + request.asked.width] = values
                good = tally.status == Status.OK
                counters[:3] += tally.steps[good].sum(), tally.rollouts.sum(), tally.steps.sum()
                limbs += to_limbs(tally.observation_sums[:, good]).sum(axis=1).ravel()
            blocks.append(block)
        rows = np.concatenate(blocks)
        counters[3] = self.stop_requested()
        counts[world.rank] = len(rows)
        ticks.append(time.perf_counter())
        world.sum(sums)
        gathered = world.gather(rows, counts.tolist())
        ticks.append(time.perf_counter())
        if gathered is None:  # not rank 0
            return None
        return self._reply(request, gathered, counters, limbs.reshape(-1, LIMBS), ticks)

    def _blocks(self, request: Request) -> Iterator[tuple[bool, range]]:
        """This rank's blocks of units, (whether they are test units, their indices)."""
        train = request.stage.units if request.stage else 0
        test = self.experiment.held_out.evaluations if request.test else 0
        size, rank = self.world.size, self.world.rank
        if self.experiment.config.run.plan == "static":
            yield from ((False, block) for block in deal(train, size)[rank : rank + 1] if block)
            yield from ((True, block) for block in deal(test, size, reverse=True)[rank : rank + 1] if block)
            return
        self.world.open_tickets()
        blocks = [(False, block) for block in cut(train, size)] + [(True, block) for block in cut(test, size)]
        if works(train + test, size, rank):
            while (number := self.world.ticket() - self._tickets) < len(blocks):
                yield blocks[number]
        # Everyone who works has drawn one ticket too many.
        self._tickets += len(blocks) + sum(works(train + test, size, r) for r in range(size))

    def _reply(
        self, request: Request, gathered: np.ndarray, counters: np.ndarray, limbs: np.ndarray, ticks: list[float]
    ) -> Reply:
        """Rows in the order in which they came, put into unit order."""
        gathered = gathered[np.argsort(gathered[:, 0])]
        held_out, stage = self.experiment.held_out, request.stage
        train, test = np.split(gathered, [stage.units if stage else 0])
        assert len(test) == (held_out.evaluations if request.test else 0), "units are missing"
        shape = (len(held_out.task_ids), held_out.repeats) if request.test else (0, 0)
        return Reply(
            rows=train[:, 1 : 1 + stage.width] if stage else train[:, 1:],
            before=test[:, 1].reshape(shape) if request.test else np.empty(shape),
            after=test[:, 2].reshape(shape) if request.test else np.empty(shape),
            observations=int(counters[0]),
            rollouts=int(counters[1]),
            steps=int(counters[2]),
            stop_requested=bool(counters[3]),
            limbs=limbs,
            seconds=dict(zip(("broadcast", "evaluate", "gather"), np.diff(ticks).tolist(), strict=True)),
        )

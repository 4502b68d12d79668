"""One collective round: broadcast the request, evaluate this rank's units, join what all found at rank 0.

Rank 0 calls ``run`` once per round; the others sit in ``serve`` until ``stop``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.meta.combining import Combining
from esmaml_mpi.meta.stages import Combination, Request, Stage
from esmaml_mpi.parallel.joined import Joined
from esmaml_mpi.parallel.packet import COMBINE, RUN, STOP, TELL, Packet
from esmaml_mpi.parallel.plan import deal
from esmaml_mpi.parallel.shares import Shares
from esmaml_mpi.parallel.telling import Telling, Told
from esmaml_mpi.parallel.world import RankLost, World
from esmaml_mpi.reproducibility.exact_sums import LIMBS, to_limbs

Found = TypeVar("Found")

GRACE = 60.0  # seconds that a rank may take beyond what run.unit_timeout allows its evaluations
# Of a row of a test, in order; the last two only where the family reports success.
TESTED = ("before", "after", "success_before", "success_after")
COUNTERS = 5  # observations, rollouts, steps, ranks that were asked to stop, units
# Numbers in directions from which on it pays to share their sum, by run.update = "auto": where ranks poll, and where
# they share cores, so that each message takes long. To begin a direction takes as long as STREAM of its numbers
# (benchmarks/aggregator.py), which counts where messages are fast.
SHARED_FROM, SHARED_FROM_ON_SHARED_CORES = 20_000, 100_000
STREAM = 700


def worth_sharing(directions: int, d: int) -> bool:
    """Whether ranks that poll had better share the sum of directions of d numbers each."""
    return directions * (STREAM + d) >= SHARED_FROM


@dataclass
class Reply:
    """What rank 0 knows after a round.

    ``rows`` (units, width) of the stage, ``before`` and ``after`` (test tasks, repeats): nan where the unit failed.
    ``success_before`` and ``success_after``, of the same shape, are nan too where the family reports no success.
    """

    rows: np.ndarray
    before: np.ndarray
    after: np.ndarray
    success_before: np.ndarray
    success_after: np.ndarray
    rollouts: int
    steps: int
    observations: int
    limbs: np.ndarray  # (2n, LIMBS): training observation sums and sums of squares
    stop_requested: bool
    seconds: dict[str, float]


@dataclass(frozen=True)
class Recovery:
    """Ranks were lost and the survivors went on."""

    iteration: int  # that was under way
    lost: int
    left: int
    leader_lost: bool  # whether rank 0 was among them
    seconds: float


class Promoted(Exception):
    """Raised on the rank that has become rank 0."""


class Rounds:
    """The protocol, the same object on every rank. ``stop_requested`` tells whether this rank was asked to stop."""

    def __init__(self, world: World, experiment: Experiment, stop_requested: Callable[[], bool] = lambda: False):
        self.world, self.experiment, self.stop_requested = world, experiment, stop_requested
        self.recoveries: list[Recovery] = []  # that this rank has seen; rank 0 records them
        self.served = False  # whether this rank has had a request of rank 0
        self.under_way = False  # whether rank 0 has begun a round and not ended it
        self._tested = TESTED if getattr(experiment.family, "reports_success", False) else TESTED[:2]
        self._at: Request | None = None  # the round that is under way here
        self._iteration = 0  # of the latest round
        self._telling = Telling(world, experiment)
        self._doing = "the run is being prepared"
        world.doing = self._what_a_rank_does
        world.frozen_after = self._patience()
        self._packet, self._shares = Packet(world, experiment), Shares(world, experiment)

    def run(self, request: Request) -> Reply:
        """Rank 0: have the request evaluated by all ranks, again if one of them dies meanwhile."""
        units = request.stage.units if request.stage else 0
        sum_follows = units > 0 and self._shared(units, request.theta.size)

        def attempt() -> Reply | None:
            start = time.perf_counter()
            self._packet.send(RUN, request, sum_follows)
            return self._round(request, start)

        return self._repeated(attempt)

    def combine(self, request: Request, combination: Combination) -> np.ndarray:
        """Rank 0: the sums (S, d) of a combination of the request's directions, by all ranks or here."""
        combining, addends = self.experiment.combining(request, combination), combination.addends
        if not self._shared(len(addends), request.theta.size):
            return combining.value(combining.part(addends))
        weights = combination.weights
        slots, directions = weights.shape
        shared = replace(request, stage=Stage(combination.number, slots, directions, weights.ravel()))

        def attempt() -> np.ndarray:
            self._packet.send(COMBINE, shared)
            return self._part(combining)

        return combining.value(self._repeated(attempt))

    def told(self) -> list[Told]:
        """Rank 0: what each rank has to say since it was last asked, of evaluations that failed and the like."""

        def attempt() -> list[Told] | None:
            self._packet.send_command(TELL)
            return self._tell()

        return self._repeated(attempt)

    def _tell(self) -> list[Told] | None:
        self._doing = f"why evaluations failed up to iteration {self._iteration}"
        return self._telling.tell()

    def _shared(self, directions: int, d: int) -> bool:
        """Whether all ranks take part in a sum of directions of d numbers each."""
        update = self.experiment.config.run.update
        if self.world.size == 1 or update != "auto":
            return self.world.size > 1 and update == "shared"
        return (
            worth_sharing(directions, d) if self.world.has_own_core else directions * d >= SHARED_FROM_ON_SHARED_CORES
        )

    def _part(self, combining: Combining) -> np.ndarray:
        """Sum this rank's share of the directions; at rank 0, all of them."""
        self._doing = f"the sum of directions of iteration {combining.at.iteration}"
        addends = combining.combination.addends
        mine = deal(len(addends), self.world.size)[self.world.rank]
        total = combining.part(addends[mine.start : mine.stop])
        self.world.reduce(total.reshape(-1))
        return total

    def _repeated(self, attempt: Callable[[], Found | None]) -> Found:
        """What an attempt finds at rank 0, the first one in which no rank dies."""
        self.under_way = True
        while True:
            try:
                found = attempt()
            except RankLost:
                self._recover()
                continue
            self.under_way = False
            self._at = None
            assert found is not None  # on rank 0
            return found

    def stop(self, code: int) -> None:
        """Rank 0: send the others home with an exit code."""
        self._doing = "the run ends"
        while True:
            try:
                self._packet.send_command(STOP, code)
                if self.world.leave():
                    return
            except RankLost:
                self.world.recover()
                self._packet.start_again()

    def serve(self) -> int:
        """Evaluate until told to stop, on the other ranks; returns the exit code.

        Raises Promoted if all ranks before it died.
        """
        while True:
            try:
                start = time.perf_counter()
                command, code = self._packet.receive()
                if command == TELL:
                    self._tell()
                elif command != STOP:
                    self.served = True
                    self._obey(command, self._packet.request(), start)
                elif self.world.leave():
                    return code
            except RankLost:
                self._recover()
                if self.world.rank == 0:
                    raise Promoted from None
            if self.world.rank == 0:  # rank 0 died while it sent the others home
                self.recoveries.append(Recovery(self._iteration, 1, self.world.size, True, 0.0))
                raise Promoted

    def _obey(self, command: int, request: Request, start: float) -> None:
        """Do this rank's part of what rank 0 has asked for."""
        if command == RUN:
            self._round(request, start)
        else:
            asked = request.asked
            combination = Combination(asked.number, asked.payload.reshape(asked.units, asked.width))
            self._part(self.experiment.combining(request, combination))
        self._at = None

    def _recover(self) -> None:
        start, before, leader = time.perf_counter(), self.world.size, self.world.leader
        self._at, self._doing = None, "ranks have died and the others close up"
        self.world.recover()
        self._packet.start_again()
        self._shares.start_again()
        self.world.frozen_after = self._patience()
        seconds, leader_lost = time.perf_counter() - start, self.world.leader != leader
        lost = before - self.world.size
        self.recoveries.append(Recovery(self._iteration, lost, self.world.size, leader_lost, seconds))

    def _patience(self) -> float:
        """Seconds of silence after which a rank is given up: as is set, or what evaluations with a limit may take."""
        run, size, units = self.experiment.config.run, self.world.size, self.experiment.most_units
        # A block that is late is tried again, unit by unit, and compiled code has three times its time.
        longest = 5 * run.unit_timeout * max(map(len, deal(units, size)))
        return run.frozen_after or (GRACE + longest if run.unit_timeout else 0.0)

    def _what_a_rank_does(self, rank: int) -> str:
        """For a word about one that does not answer."""
        return self._doing if self._at is None else self._shares.in_words(self._at, rank)

    def _round(self, request: Request, start: float) -> Reply | None:
        self._iteration = request.iteration
        self._at, self._doing = request, f"after the evaluations of iteration {request.iteration}"
        ticks = [start, time.perf_counter()]
        experiment, world = self.experiment, self.world
        n = experiment.policy.observation_size
        stage, test = request.stage or Stage(width=0), self.experiment.held_out.evaluations if request.test else 0
        # Rows (units, width): first those of the training units, then those of the test units.
        width = max(stage.width, len(self._tested) * request.test)
        joined = Joined(world, COUNTERS + 2 * n * LIMBS, stage.units + test, width)
        counters, limbs = np.split(joined.sums, [COUNTERS])
        for is_test, indices in self._shares.parts(request):
            if is_test:
                outcome = experiment.test_units(request, indices)
                assert outcome.before is not None
                good = outcome.tally.good & np.isfinite(outcome.after[:, 0])
                found = np.full((len(indices), len(self._tested)), np.nan)
                for column, name in enumerate(self._tested):
                    if (values := getattr(outcome, name)) is not None:  # None: all units have failed
                        found[good, column] = values[good, 0]
            else:
                found, tally = experiment.train_units(request, indices)
                good = tally.good
                counters[:3] += tally.steps[good].sum(), tally.rollouts.sum(), tally.steps.sum()
                limbs += to_limbs(tally.observation_sums[:, good]).sum(axis=1).ravel()
            joined.add(indices.start + stage.units * is_test, found)
            counters[4] += len(indices)
        counters[3] = self.stop_requested()
        ticks.append(time.perf_counter())
        rows = joined.join()
        ticks.append(time.perf_counter())
        return None if rows is None else self._reply(request, rows, counters, limbs.reshape(-1, LIMBS), ticks)

    def _reply(
        self, request: Request, rows: np.ndarray, counters: np.ndarray, limbs: np.ndarray, ticks: list[float]
    ) -> Reply:
        held_out, stage = self.experiment.held_out, request.stage
        assert counters[4] == len(rows), "units are missing"
        train, test = np.split(rows, [stage.units if stage else 0])
        shape = (len(held_out.task_ids), held_out.repeats) if request.test else (0, 0)
        measured = dict.fromkeys(TESTED, np.full(shape, np.nan))
        measured |= {name: test[:, i].reshape(shape) for i, name in enumerate(self._tested) if request.test}
        return Reply(
            rows=train[:, : stage.width] if stage else train[:, :0],
            **measured,
            observations=int(counters[0]),
            rollouts=int(counters[1]),
            steps=int(counters[2]),
            stop_requested=bool(counters[3]),
            limbs=limbs,
            seconds=dict(zip(("broadcast", "evaluate", "gather"), np.diff(ticks).tolist(), strict=True)),
        )

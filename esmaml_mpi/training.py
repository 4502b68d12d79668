"""The training loop: rank 0 iterates, records and checkpoints; the other ranks serve."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from esmaml_mpi.config import Config
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import TrainingError
from esmaml_mpi.experiment import Experiment, Request
from esmaml_mpi.history import History
from esmaml_mpi.interruption import Interruption
from esmaml_mpi.parallel.plan import idle
from esmaml_mpi.parallel.rounds import Promoted, Recovery, Reply, Rounds
from esmaml_mpi.parallel.world import World
from esmaml_mpi.progress import Progress
from esmaml_mpi.rollouts import Observer
from esmaml_mpi.state import State

DONE, STOPPED = 0, 75  # exit codes


class Store(Protocol):
    """Where results are kept."""

    def write(self, history: History, checkpoint: dict) -> None:
        """Make history and checkpoint safe."""


@dataclass
class Ledger:
    """What rank 0 keeps.

    Where results go, the series so far, and the checkpoint to start from (None: from the beginning).
    """

    store: Store
    history: History
    checkpoint: dict | None


class Training:
    """Rank 0's side of a run."""

    def __init__(self, rounds: Rounds, state: State, ledger: Ledger, progress: Progress):
        self.rounds, self.state, self.progress = rounds, state, progress
        self.history, self.store, self.resumed = ledger.history, ledger.store, ledger.checkpoint is not None
        self.experiment: Experiment = rounds.experiment
        self.config: Config = self.experiment.config
        self.last_row = time.perf_counter()
        self.last_write = time.monotonic()
        self.write_seconds = 0.0
        self.warned = False

    def run(self) -> int:
        """Iterate to the end or until asked to stop; returns the exit code."""
        total = self.config.meta.iterations
        if not self.resumed:
            self._write()  # so that an output that cannot be written is known now
        elif self.state.iteration < total:
            # The rows of a test after the then last iteration, measured again if it is due. In the file they stay until
            # there is more to write.
            self.history.drop_from(self.state.iteration)
        while self.state.iteration < total:
            stop = self._iterate()
            if stop and self.state.iteration < total:
                self._write()
                return STOPPED
            if self._write_is_due():
                self._write()
        self._final_test()
        self._write()
        return DONE

    def _iterate(self) -> bool:
        """One meta-update. Returns whether some rank was asked to stop."""
        state, every = self.state, self.config.test.every
        observer = self._observer()
        test = bool(every) and state.iteration % every == 0
        if test:
            self._record_parameters(observer)
        reply, gradient, cost = self._evaluate(observer, test)
        start = time.perf_counter()
        # Without a signal no step, not even of Adam's momentum.
        theta = state.optimizer.step(state.theta, gradient) if gradient.any() else state.theta
        state.statistics.add(reply.observations, reply.limbs)
        if self.experiment.uses_subspace and gradient.any():
            state.memory.add(gradient)
        reply.seconds["update"] += time.perf_counter() - start
        meta_value = finite_mean(reply.values[self.config.meta.perturbations :])
        now = time.perf_counter()
        self.history.append(
            "train",
            iteration=state.iteration,
            meta_value=meta_value,
            values=reply.values,
            failed_units=reply.failed,
            seconds=now - self.last_row,
            gradient_norm=_norm(gradient),
            parameter_norm=_norm(state.theta),
            **cost,
        )
        self.history.append("timing", iteration=state.iteration, write=self.write_seconds, **reply.seconds)
        self.last_row, self.write_seconds = now, 0.0
        state.iteration, state.theta = state.iteration + 1, theta
        if not np.any(gradient) and not self.warned:
            self.warned = True
            self.progress.message(
                f"iteration {state.iteration - 1}: no meta-gradient, as all evaluations returned the "
                f"same ({meta_value:.6g}). If this goes on and it is not the best there is, the policy cannot see the "
                "reward from where it is: try another run.seed, a smaller policy.output_gain, or a larger meta.sigma."
            )
        self.progress.update(state.iteration, meta_value, reply.failed, cost["rollouts"])
        return reply.stop_requested

    def _evaluate(self, observer: Observer, test: bool):
        """Reply and meta-gradient of the current iteration, drawn again while too many units fail; and what that
        cost.
        """
        state, meta, algorithm = self.state, self.config.meta, self.experiment.algorithm
        cost, subspace = {"redraws": 0, "rollouts": 0, "env_steps": 0}, self._subspace()
        seconds: dict[str, float] = {}
        while True:
            first = cost["redraws"] == 0
            request = Request(state.iteration, cost["redraws"], True, test and first, state.theta, observer, subspace)
            reply = self._ask(request)
            if test and first:
                self._record_test(reply)
            cost["rollouts"] += reply.rollouts
            cost["env_steps"] += reply.steps
            start = time.perf_counter()
            gradient = None
            if reply.failed <= meta.max_failed_fraction * algorithm.evaluations:
                gradient = algorithm.gradient(request.round, reply.values, state.theta.size, subspace)
            reply.seconds["update"] = time.perf_counter() - start
            seconds = {name: seconds.get(name, 0.0) + value for name, value in reply.seconds.items()}
            if gradient is not None:
                reply.seconds = seconds
                return reply, gradient, cost
            if cost["redraws"] == meta.max_redraws:
                raise TrainingError(
                    f"iteration {state.iteration}: {reply.failed} of {algorithm.evaluations} "
                    "evaluations failed, and it was already redrawn "
                    f"{meta.max_redraws} times (meta.max_redraws, meta.max_failed_fraction = "
                    f"{meta.max_failed_fraction}). Rewards are "
                    "not finite or the task raises; its messages are above."
                )
            cost["redraws"] += 1
            self.progress.message(
                f"iteration {state.iteration}: {reply.failed} of {algorithm.evaluations} evaluations "
                "failed, drawn again"
            )

    def _final_test(self) -> None:
        """Parameters and test after the last update, once."""
        if self.state.iteration in self.history["parameters"]["iteration"]:
            return
        observer = self._observer()
        self._record_parameters(observer)
        request = Request(self.state.iteration, 0, False, True, self.state.theta, observer, self._subspace())
        self._record_test(self._ask(request))

    def _ask(self, request: Request) -> Reply:
        """One round; ranks lost in it are recorded."""
        reply = self.rounds.run(request)
        while self.rounds.recoveries:
            self.record_recovery(self.rounds.recoveries.pop(0), aggregator_lost=False)
        return reply

    def record_recovery(self, loss: Recovery, aggregator_lost: bool) -> None:
        """Ranks died and the iteration is done again without them."""
        self.history.append(
            "recovery",
            iteration=self.state.iteration,
            ranks_lost=loss.lost,
            ranks_left=loss.left,
            aggregator_lost=aggregator_lost,
            seconds=loss.seconds,
        )
        self.last_write = -math.inf  # due at once: the next loss may be this rank
        self.progress.message(
            f"iteration {self.state.iteration}: {loss.lost} rank{'s' * (loss.lost != 1)} died, "
            f"{loss.left} left; done again"
        )

    def _subspace(self) -> Subspace | None:
        if not self.experiment.uses_subspace:
            return None
        return self.state.memory.subspace(self.config.meta.memory_threshold)

    def _observer(self) -> Observer:
        if self.config.policy.normalize_observations:
            return Observer(*self.state.statistics.mean_std())
        n = self.experiment.policy.observation_size
        return Observer(np.zeros(n), np.ones(n))

    def _record_parameters(self, observer: Observer) -> None:
        iteration, count = self.state.iteration, self.state.statistics.count
        self.history.append("parameters", iteration=iteration, value=self.state.theta)
        self.history.append("normalization", iteration=iteration, mean=observer.mean, std=observer.std, count=count)

    def _record_test(self, reply) -> None:
        self.history.append("test", iteration=self.state.iteration, before=reply.before, after=reply.after)
        self.progress.tested(finite_mean(reply.before), finite_mean(reply.after))

    def _write_is_due(self) -> bool:
        checkpoint = self.config.checkpoint
        by_count = checkpoint.every and self.state.iteration % checkpoint.every == 0
        return bool(by_count) or time.monotonic() - self.last_write > 60 * checkpoint.minutes

    def _write(self) -> None:
        start = time.perf_counter()
        self.store.write(self.history, self.state.to_arrays())
        self.last_write = time.monotonic()
        self.write_seconds += time.perf_counter() - start


def train(config: Config, world: World, open_ledger: Callable[[bool], Ledger]) -> int:
    """Train on all ranks of ``world``; every rank calls this with the same resolved config. Returns the exit code.

    ``open_ledger`` is called on rank 0, and with True on a rank that becomes rank 0 because those before it died.
    """
    experiment = Experiment(config)
    experiment.evaluator.give_up = lambda: world.abort(1)
    with Interruption() as interruption:
        rounds = Rounds(world, experiment, lambda: interruption.requested)
        loss = None
        if world.rank != 0:
            try:
                return rounds.serve()
            except Promoted as promotion:
                loss = promotion.args[0]
        return _lead(rounds, open_ledger(loss is not None), loss)


def _lead(rounds: Rounds, ledger: Ledger, loss: Recovery | None) -> int:
    """Rank 0's part of ``train``. ``loss`` is what made this rank take over, if it did."""
    experiment, config = rounds.experiment, rounds.experiment.config
    state = State.initial(experiment)
    if ledger.checkpoint is not None:
        state.restore(ledger.checkpoint)
    progress = Progress(config.meta.iterations, state.iteration)
    training = Training(rounds, state, ledger, progress)
    if loss is None:
        _announce(progress, experiment, rounds.world)
    else:
        progress.message(f"rank 0 died; its successor goes on from iteration {state.iteration}")
        training.record_recovery(loss, aggregator_lost=True)
    try:
        code = training.run()
    finally:
        progress.close()
    rounds.stop(code)
    return code


def _announce(progress: Progress, experiment: Experiment, world: World) -> None:
    config, units = experiment.config, experiment.algorithm.evaluations
    progress.message(
        f"{config.run.name}: {config.task.name}, d = {experiment.policy.size}, {units} evaluations of "
        f"{config.task.batch_size} tasks "
        f"per iteration, {world.size} rank{'s' * (world.size > 1)}"
    )
    spare = idle(world.size, units)
    if spare:
        progress.message(
            f"{spare} of {world.size - 1} workers have no evaluation to do: there are {units} per iteration"
        )


def finite_mean(values: np.ndarray) -> float:
    """Mean of the values that are finite; nan if there is none."""
    finite = values[np.isfinite(values)]
    return float(np.add.reduce(finite) / finite.size) if finite.size else math.nan


def _norm(vector: np.ndarray) -> float:
    """Euclidean norm, summed by NumPy and not by BLAS, whose order depends on its threads."""
    return math.sqrt(np.add.reduce(vector * vector))

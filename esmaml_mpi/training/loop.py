"""The training loop of rank 0: iterate, test, record, checkpoint."""

import contextlib
import math
import time
from dataclasses import replace

import numpy as np

from esmaml_mpi.config.config import Config
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import TrainingError, UserError
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.meta.schedules import schedule
from esmaml_mpi.meta.stages import Combination, Request, Stage
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.parallel.rounds import TESTED, Reply, Rounds
from esmaml_mpi.reproducibility.magnitudes import LARGE, length
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.training.attempts import Attempts
from esmaml_mpi.training.explaining import Explaining
from esmaml_mpi.training.moment import Callback, Moment
from esmaml_mpi.training.progress import Progress
from esmaml_mpi.training.record import RunRecord
from esmaml_mpi.training.state import State

DONE, STOPPED = 0, 75  # exit codes


class Training:
    """Rank 0's side of a run."""

    def __init__(
        self, rounds: Rounds, state: State, record: RunRecord, progress: Progress, callback: Callback | None = None
    ):
        self.rounds, self.state, self.progress = rounds, state, progress
        self.history, self.store, self.resumed = record.history, record.store, record.checkpoint is not None
        self.experiment: Experiment = rounds.experiment
        self.config: Config = self.experiment.config
        self.callback, self.value = callback, math.nan
        self.step_size_schedule = schedule(self.config.meta, "step_size_schedule")
        self.start = self.last_row = time.perf_counter()
        self.last_write = time.monotonic()
        self.write_seconds = 0.0
        self.warned = False
        self.explaining = Explaining(rounds, progress.message)
        self.unexplained = hasattr(self.experiment.family, "remarks")  # whether there may be something to be asked for
        self.recorded = 0  # how many of the recoveries that this rank has seen

    def run(self) -> int:
        """Iterate to the end or until asked to stop; returns the exit code."""
        try:
            return self._run()
        except Exception:
            with contextlib.suppress(UserError):  # the first error is the one to be told
                self.store.finish()
            raise

    def _run(self) -> int:
        total = self.config.meta.iterations
        if not self.resumed:
            self._write()
            self.store.finish()  # so that an output that cannot be written is known now
        elif self.state.iteration < total:
            # The rows of a test after the then last iteration, measured again if it is due. In the file they stay until
            # there is more to write.
            self.store.drop_from(self.state.iteration)
        while self.state.iteration < total:
            stop = self._iterate()
            if self.state.iteration < total and (self._called_back() or stop):
                return self._end(STOPPED)
            if self._write_is_due():
                self._write()
            if word := self.store.late():
                self.progress.message(word)
        if self._final_test():
            self._called_back()
        return self._end(DONE)

    def _called_back(self) -> bool:
        """Tell the user's function where the run is; whether it wants the run to stop."""
        if self.callback is None:
            return False
        tested, before, after = (
            None if (row := self.history.latest("test", name)) is None else row.copy()
            for name in ("iteration", "before", "after")
        )
        moment = Moment(
            self.state.iteration,
            self.config.meta.iterations,
            self.value,
            self.state.theta.copy(),
            None if tested is None else int(tested),
            before,
            after,
            time.perf_counter() - self.start,
        )
        try:
            return self.callback(moment) is True
        except Exception:
            self._write()  # what it is wrong about is no reason to lose anything
            raise

    def _end(self, code: int) -> int:
        self._write()
        self.store.finish()
        if self.unexplained:
            self.explaining.ask()
        if self.explaining.all:
            self.progress.message(f"evaluations that failed: {self.explaining.all}")
        return code

    def _iterate(self) -> bool:
        """One meta-update. Returns whether some rank was asked to stop."""
        state, every = self.state, self.config.test.every
        observer = self._observer()
        test = bool(every) and state.iteration % every == 0
        if test:
            self._record_parameters(observer)
        result = self._evaluate(observer, test)
        step, seconds = result.step, result.seconds
        assert step is not None and step.gradient is not None
        gradient = step.gradient
        start = time.perf_counter()
        # Without a signal no step, not even of Adam's momentum.
        theta = self._step(gradient) if gradient.any() else state.theta
        state.statistics.add(result.observations, np.asarray(result.limbs))
        if step.unit_sums is not None:
            state.unit_statistics.add(step.unit_sums)
        if step.kept is not None:
            state.remember(step.kept)
        if self.experiment.uses_subspace and gradient.any():
            state.memory.add(gradient)
        seconds["update"] += time.perf_counter() - start
        now = time.perf_counter()
        self.history.append(
            "train",
            iteration=state.iteration,
            meta_value=step.meta_value,
            values=step.values,
            failed_units=result.failed,
            seconds=now - self.last_row,
            gradient_norm=length(gradient),
            parameter_norm=length(state.theta),
            redraws=result.redraws,
            reused=step.reused,
            rollouts=result.rollouts,
            env_steps=result.steps,
        )
        self.history.append("timing", iteration=state.iteration, write=self.write_seconds, **seconds)
        self.last_row, self.write_seconds = now, 0.0
        state.iteration, state.theta = state.iteration + 1, theta
        if not np.any(gradient) and not step.stays and not self.warned:
            self.warned = True
            reach = "sigma" if hasattr(self.config.meta, "sigma") else "initial_std"
            self.progress.message(
                f"iteration {state.iteration - 1}: no meta-gradient, as all evaluations returned the "
                f"same ({step.meta_value:.6g}). If this goes on and it is not the best there is, the policy cannot see "
                "the reward from where it is: "
                f"try another run.seed, a smaller policy.output_gain, or a larger meta.{reach}."
            )
        if self.unexplained:
            self.unexplained = not self.explaining.asked_after_a_while()
        self.value = float(step.meta_value)
        self.progress.update(state.iteration, step.meta_value, result.failed, result.rollouts)
        return result.stop_requested

    def _step(self, gradient: np.ndarray) -> np.ndarray:
        """The next theta. TrainingError where it would not be a number, which no later iteration would mend."""
        state = self.state
        most = LARGE if self.experiment.uses_subspace else np.finfo(float).max  # its square is remembered there
        factor = self.step_size_schedule.factor(state.iteration)
        with np.errstate(over="ignore", invalid="ignore"):
            possible = np.abs(gradient).max() <= most  # false for nan
            # Copies, as an optimizer of the user's may work in place.
            theta = state.optimizer.step(state.theta.copy(), gradient.copy()) if possible else gradient
            if factor != 1.0:  # whatever the optimizer, what its step size is a factor of is the move
                theta = state.theta + factor * (theta - state.theta)
            moments = [np.isfinite(array).all() for array in state.optimizer.to_arrays().values()]
        if not (possible and all(moments) and np.isfinite(theta).all()):
            what = "parameters" if possible else "meta-gradient"
            raise TrainingError(
                f"iteration {state.iteration}: the {what} would be too large to compute with, or no numbers. Rewards "
                "may be too large, or steps: see meta.reward_normalization, meta.step_size, adaptation.step_size. The "
                "last checkpoint is from before."
            )
        return theta

    def _evaluate(self, observer: Observer, test: bool) -> Attempts:
        """The current iteration, drawn again while too many evaluations fail."""
        state, meta, evaluations = self.state, self.config.meta, self.experiment.algorithm.evaluations
        result = Attempts()
        while True:
            self._attempt(result, observer, test and result.redraws == 0)
            formed = result.step is not None and result.step.gradient is not None
            self.unexplained |= result.failed > 0
            if formed and result.failed <= meta.max_failed_fraction * evaluations:
                return result
            failed = f"iteration {state.iteration}: {result.failed} of {evaluations} evaluations failed"
            if result.redraws == meta.max_redraws:
                causes = self.explaining.ask(brief=True) or self.explaining.all
                raise TrainingError(
                    f"{failed}, and it was already redrawn {meta.max_redraws} times (meta.max_redraws, "
                    f"meta.max_failed_fraction = {meta.max_failed_fraction}). "
                    f"{f'The reason: {causes}.' if causes else 'A value was not a finite number.'}"
                )
            if result.redraws == 0:  # once an iteration
                causes = self.explaining.ask(brief=True)
                self.progress.message(f"{failed}, drawn again{f': {causes}' if causes else ''}")
            result.redraws += 1

    def _attempt(self, result: Attempts, observer: Observer, test: bool) -> None:
        """All stages of the current iteration, once."""
        state, subspace = self.state, self._subspace()
        at = Round(Phase.TRAIN, state.iteration, result.redraws)
        kept = (state.kept,) if state.kept else ()
        iteration = self.experiment.algorithm.iteration(state.theta, at, subspace, state.unit_statistics, *kept)
        result.observations, result.limbs = 0, 0
        asked = next(iteration)
        while True:
            request = Request(at.iteration, at.attempt, None, test, state.theta, observer, subspace)
            if isinstance(asked, Stage):
                reply = self._ask(replace(request, stage=asked))
                if test:
                    self._record_test(reply)
                    test = False
                result.add(reply)
            start = time.perf_counter()
            try:
                asked = iteration.send(reply.rows if isinstance(asked, Stage) else self._combined(request, asked))
            except StopIteration as done:
                result.step = done.value
                return
            finally:
                result.seconds["update"] += time.perf_counter() - start

    def _final_test(self) -> bool:
        """Parameters and test after the last update, once; whether they were due."""
        if self.history.latest("parameters", "iteration") == self.state.iteration:
            return False
        observer = self._observer()
        self._record_parameters(observer)
        request = Request(self.state.iteration, 0, None, True, self.state.theta, observer, self._subspace())
        self._record_test(self._ask(request))
        return True

    def _ask(self, request: Request) -> Reply:
        """One round; ranks lost in it are recorded."""
        reply = self.rounds.run(request)
        self.record_recoveries()
        return reply

    def _combined(self, request: Request, combination: Combination) -> np.ndarray:
        """Sums of directions; ranks lost meanwhile are recorded."""
        sums = self.rounds.combine(request, combination)
        self.record_recoveries()
        return sums

    def record_recoveries(self) -> None:
        """Ranks died and an iteration is done again without them; those that a dead rank 0 had not recorded, too."""
        for loss in self.rounds.recoveries[self.recorded :]:
            self.recorded += 1
            self.history.append(
                "recovery",
                iteration=loss.iteration,
                ranks_lost=loss.lost,
                ranks_left=loss.left,
                aggregator_lost=loss.leader_lost,
                seconds=loss.seconds,
            )
            self.last_write = -math.inf  # due at once: the next loss may be this rank
            self.progress.message(
                f"iteration {loss.iteration}: {loss.lost} rank{'s' * (loss.lost != 1)} died, "
                f"{loss.left} left; done again"
            )

    def _subspace(self) -> Subspace | None:
        if not self.experiment.uses_subspace:
            return None
        return self.state.memory.subspace(self.config.meta.memory_threshold)

    def _observer(self) -> Observer:
        if self.config.normalizes:
            return Observer(*self.state.statistics.mean_std())
        n = self.experiment.policy.observation_size
        return Observer(np.zeros(n), np.ones(n))

    def _record_parameters(self, observer: Observer) -> None:
        iteration, count = self.state.iteration, self.state.statistics.count
        self.history.append("parameters", iteration=iteration, value=self.state.theta)
        self.history.append("normalization", iteration=iteration, mean=observer.mean, std=observer.std, count=count)

    def _record_test(self, reply: Reply) -> None:
        rows = {name: getattr(reply, name) for name in TESTED}
        self.history.append("test", iteration=self.state.iteration, **rows)
        self.unexplained |= bool(np.isnan(reply.after).any())
        self.progress.tested(self.state.iteration, *(finite_mean(row) for row in rows.values()))

    def _write_is_due(self) -> bool:
        checkpoint = self.config.checkpoint
        by_count = checkpoint.every and self.state.iteration % checkpoint.every == 0
        return bool(by_count) or time.monotonic() - self.last_write > 60 * checkpoint.minutes

    def _write(self) -> None:
        start = time.perf_counter()
        self.store.write(self.history.take(), self.state.to_arrays())
        self.last_write = time.monotonic()
        self.write_seconds += time.perf_counter() - start

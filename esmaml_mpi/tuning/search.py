"""What a process of a search does, run after run: trials until there are enough, then the confirmation.

Reports of a trial: its runs are made seed after seed, and test k (from 1) of its run j (from 0) is step j * tests + k,
with the mean over the runs so far of their test k as its value. At a step all trials have had the same seeds and the
same share of the rollouts, so that the pruner compares like with like.
"""

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ConfigError, FamilyError, TrainingError, UsageError, UserError
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.results.lock import OutputLock, writer_of
from esmaml_mpi.sweeps.state import COMPLETE, REFUSED, state_of
from esmaml_mpi.training.loop import STOPPED
from esmaml_mpi.training.moment import Moment
from esmaml_mpi.tuning.confirmation import Confirmation, Fresh
from esmaml_mpi.tuning.measure import Mean, course_of
from esmaml_mpi.tuning.study import Claimed, Study

PAUSE = 0.5  # seconds between looks at what other processes do
UNFIT = (ConfigError, FamilyError, TrainingError)  # what settings are to blame for


@dataclass
class Job:
    """A run to train: ``watch`` is its callback."""

    config: Config
    output: Path
    watch: Callable[[Moment], bool]


Outcome = int | UserError  # the exit code of a run, or why it could not be trained


@dataclass
class Search:
    """One process's part; ``say`` takes what there is to tell, ``stop`` says whether the process is to end."""

    study: Study
    say: Callable[[str], None]
    stop: Callable[[], bool]
    stopped: bool = False  # by a signal, in a run

    def jobs(self) -> Generator[Job, Outcome, None]:
        """The runs, one after the other; each is answered with its outcome. Ends when all is done, or on ``stop``."""
        while not self._ends():
            if claimed := self.study.claim():
                try:
                    yield from self._trial(claimed)
                finally:
                    claimed.lock.release()
            elif self.study.is_over():
                break
            else:  # others have the last trials: one of them may die, and the confirmation is to be shared
                time.sleep(PAUSE)
        confirmation = Confirmation(self.study)
        while not self._ends() and (left := confirmation.left()):
            claim = next((run for run in left if not writer_of(run.claim)), None)
            if claim is None:
                time.sleep(PAUSE)
            else:
                yield from self._confirmed(confirmation, claim)

    def _ends(self) -> bool:
        return self.stopped or self.stop()

    def _trial(self, claimed: Claimed) -> Generator[Job, Outcome, None]:
        tune = self.study.plan.tune
        watch = Watch(claimed, tune.settings.tests, len(tune.seeds) * tune.settings.tests)
        endings: list[tuple[float, int]] = []
        for seed in tune.seeds:
            name = f"{claimed.name}_seed{seed}"
            try:
                config = self.study.config(claimed.values, seed, name)
                output = self.study.folder / f"{name}.h5"
                complete = yield from self._run(config, output, watch)
            except UNFIT as error:
                return self._pruned(claimed, str(error))
            if complete:
                course = course_of(output)
                watch.run_is_complete(course.tests)
                endings.append(course.ending(tune.settings.last_tests))
            if watch.hopeless:
                return self._pruned(claimed, f"below the median at test {watch.test} of seed {seed}")
            if not complete:
                self.stopped = True
                return self.study.leave(claimed)
        measures, failed = [value for value, _ in endings], sum(number for _, number in endings)
        if not all(map(math.isfinite, measures)):
            return self._pruned(claimed, "its tests failed")
        self.study.complete(claimed, measures, failed)
        left_out = ": adaptations of its tests, which are left out" * bool(failed)
        self._say(claimed, str(Mean.of(measures, failed)) + left_out)

    def _confirmed(self, confirmation: Confirmation, run: Fresh) -> Generator[Job, Outcome, None]:
        lock = OutputLock(run.claim)
        try:
            lock.acquire()
        except UsageError:  # another process was a little faster
            return
        try:
            if (yield from self._run(run.config, run.output, lambda moment: False)):
                self.say(f"confirmation, {run.output.stem}: {course_of(run.output).tests[-1]:.2f}")
            else:
                self.stopped = True
        except UNFIT as error:
            confirmation.failed(run, str(error))
            self.say(f"confirmation, {run.output.stem}: failed, {error}")
        finally:
            lock.release()

    def _run(self, config: Config, output: Path, watch: Callable[[Moment], bool]) -> Generator[Job, Outcome, bool]:
        """Have a run trained, unless it is there already; whether it is complete, or ended by ``watch`` or a signal."""
        state = state_of(output, config)
        if state.kind == REFUSED:
            raise UsageError(state.reason)
        if state.kind == COMPLETE:
            return True
        outcome = yield Job(config, output, watch)
        if isinstance(outcome, UserError):
            raise outcome
        if outcome not in (0, STOPPED):
            raise UserError(f"{output}: its run ended with exit code {outcome}.")
        return outcome == 0

    def _pruned(self, claimed: Claimed, reason: str) -> None:
        self.study.prune(claimed, reason)
        self._say(claimed, f"ended, {reason}")

    def _say(self, claimed: Claimed, text: str) -> None:
        self.say(f"trial {claimed.number} ({self.study.plan.tune.settings.trials} in all): {text}")


@dataclass
class Watch:
    """The callback of a trial's runs: reports each test, and stops the run where the trial is ``hopeless``.

    ``test``: the latest of the run that was reported; ``earlier``: the tests of the runs before it. The ``last_step``
    ends nothing, as there is nothing left to save.
    """

    claimed: Claimed
    tests: int
    last_step: int
    earlier: list[list[float]] = field(default_factory=list)
    test: int = 0
    hopeless: bool = False

    def __call__(self, moment: Moment) -> bool:
        if moment.tested_at and moment.after is not None:
            test = moment.tested_at * self.tests // moment.iterations
            # A run's last test but one may not be shown, if it is an iteration before the last: both are left to
            # ``run_is_complete``, so that tests are reported in their order.
            in_order = test == 1 or {self._step(test), self._step(test - 1)} & self.claimed.reported
            if test > self.test and in_order:
                self._report(test, float(finite_mean(moment.after)))
        return self.hopeless

    def run_is_complete(self, tests: list[float]) -> None:
        """Report those of its ``tests`` that have not been: it may have been complete before this process began."""
        for test in range(self.test + 1, self.tests + 1):
            if not self.hopeless:
                self._report(test, tests[test - 1])
        self.earlier.append(tests)
        self.test = self.test if self.hopeless else 0

    def _step(self, test: int) -> int:
        return len(self.earlier) * self.tests + test

    def _report(self, test: int, value: float) -> None:
        self.test, step = test, self._step(test)
        self.claimed.report(step, fmean([*(tests[test - 1] for tests in self.earlier), value]))
        self.hopeless = step < self.last_step and self.claimed.is_hopeless()

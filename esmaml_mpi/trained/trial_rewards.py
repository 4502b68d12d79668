"""Where the rewards of trials come from: somebody who runs the policy and types them, or a simulated task."""

import math
import signal
import sys
from pathlib import Path
from types import FrameType

import numpy as np

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.errors import TrainingError, UsageError, in_words
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Purpose, Round
from esmaml_mpi.rollouts.simulate import RolloutError
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.workspace import Workspace
from esmaml_mpi.trained.policy_file import write_policy
from esmaml_mpi.training.interruption import Interruption

FAILED = ("failed", "fail", "nan", "-inf")
LEAVE = ("q", "quit")
WAKE_UP = 0.2  # seconds


class Patience(Interruption):
    """Signals to save and stop; while ``waiting`` for somebody, they end the waiting at once."""

    waiting = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        super()._note(number, frame)
        if self.waiting:
            raise KeyboardInterrupt


class Typed:
    """Rewards read from standard input, one a line, after the policy was written to ``path``."""

    def __init__(self, experiment: Experiment, observer: Observer, path: Path, patience: Patience):
        self._policy, self._observer, self._path, self._patience = experiment.policy, observer, path, patience

    def attempt(self, session: Adaptation) -> bool:
        """Tell the session the reward of one trial; False, and nothing told, if the answer is to leave."""
        trial = session.trials + 1
        write_policy(self._path, self._policy, session.ask(), self._observer, trial)
        while True:
            print(f"trial {trial} of {session.total}: run {self._path} and enter its reward", flush=True)
            answer = self._line()
            if answer is None or answer.lower() in LEAVE:
                return False
            try:
                session.tell(_number(answer))
                return True
            except UsageError as error:
                print(f"esmaml: {error}", file=sys.stderr, flush=True)

    def finished(self, session: Adaptation) -> None:
        """Nothing is left to be tried."""
        self._path.unlink(missing_ok=True)

    def _line(self) -> str | None:
        """The next line with anything on it; None at the end of the input."""
        self._patience.waiting = True
        # A signal just before the reading begins would not end it: wake up now and then to see it.
        line: bytes
        previous = signal.signal(signal.SIGALRM, lambda number, frame: None)
        signal.setitimer(signal.ITIMER_REAL, WAKE_UP, WAKE_UP)
        try:
            if self._patience.requested:  # before the waiting began
                return None
            for line in iter(sys.stdin.buffer.readline, b""):  # bytes: no line is lost to its neighbour's encoding
                if line.strip():
                    return line.decode(errors="replace").strip()
        finally:
            self._patience.waiting = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, previous)
        return None


class Simulated:
    """Rewards of a task of the family, as an evaluation measures them: the mean of task.rollouts episodes a trial.

    An evaluation simulates what the operator tries together, and corrupts these rewards together; so this does too.
    """

    def __init__(self, experiment: Experiment, theta: np.ndarray, observer: Observer, at: Round):
        """``experiment`` evaluates one repeat of the one task."""
        self._experiment, self._theta, self._observer = experiment, theta, observer
        self._units = experiment.held_out.units(at, range(1))
        self._task = int(self._units.tasks[0, 0])
        setup = experiment.evaluator.setup
        self._trials = Trials(setup, self._units, observer, Workspace(), Purpose.QUERY_EPISODE)
        self._step, self._rewards = -1, np.empty(0)

    def attempt(self, session: Adaptation) -> bool:
        """Tell the session the reward of one trial. TrainingError if the simulation or the operator cannot go on."""
        step, queries, told = session.batch
        try:
            if step != self._step:
                self._trials.evaluations = step
                self._rewards = self._trials.evaluate(np.ascontiguousarray(queries[:, None, None]))[0, 0]
                self._step = step
            session.tell(float(self._rewards[told]))
        except (RolloutError, UsageError) as error:
            raise TrainingError(f"task {self._task}, trial {session.trials + 1}: {in_words(error)}") from error
        return True

    def finished(self, session: Adaptation) -> None:
        """Print the rewards before and after, each of one fresh trial, and the best of those between."""
        before = self._score(self._theta, Purpose.BEFORE_EPISODE)
        after = self._score(session.best, Purpose.AFTER_EPISODE)
        print(
            f"task {self._task}: reward {before:.2f} before, at best {max(session.rewards, default=math.nan):.2f} in "
            f"{session.trials} trials, {after:.2f} after adaptation",
            flush=True,
        )

    def _score(self, parameters: np.ndarray, purpose: Purpose) -> float:
        try:
            values, _ = self._experiment.evaluator.score(
                parameters[:, None, None], self._units, self._observer, purpose
            )
        except RolloutError as error:
            raise TrainingError(f"task {self._task}: {in_words(error)}") from error
        return float(values[0, 0])


def _number(answer: str) -> float:
    """A typed reward; nan where the trial has failed. UsageError if it is neither."""
    if answer.lower() in FAILED:
        return math.nan
    try:
        return float(answer)
    except ValueError:
        raise UsageError(f"{show(answer)}: a number is wanted, `failed`, or q to leave.") from None

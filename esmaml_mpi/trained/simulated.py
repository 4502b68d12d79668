"""Rewards of a simulated task: the mean of task.rollouts episodes a trial, as an evaluation measures them."""

import math

import numpy as np

from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.errors import ResultsError, TrainingError, UsageError, in_words
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.simulate import RolloutError
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.tasks.workspace import Workspace
from esmaml_mpi.trained.session import Session


class Simulated:
    """The task of ``session``, simulated.

    An evaluation simulates what the operator tries together, and corrupts these rewards together; so this does too.
    """

    def __init__(self, experiment: Experiment, session: Session):
        """``experiment`` evaluates one repeat of the one task. ResultsError if its policies are others."""
        record = session.record
        policy = experiment.policy
        size = experiment.meta_size
        if (len(record.theta), len(record.mean)) != (size, policy.observation_size):
            raise ResultsError(
                f"session {session.path} has a policy of {len(record.theta)} parameters for {len(record.mean)} "
                f"observations, and {record.config.task.name} now makes policies of {size} parameters for "
                f"{policy.observation_size} observations: the task family has changed since."
            )
        self._experiment, self._observer = experiment, session.observer
        self._theta = record.theta[: policy.size]
        self._units = experiment.held_out.units(Round(Phase.EVALUATE, record.iteration), range(1))
        self._task = int(self._units.tasks[0, 0])
        setup = experiment.evaluator.setup
        self._trials = Trials(setup, self._units, self._observer, Workspace(), Purpose.QUERY_EPISODE)
        self._step, self._rewards = -1, np.empty(0)

    def attempt(self, session: Session) -> bool:
        """Tell the session the reward of one trial. TrainingError if the simulation or the operator cannot go on."""
        step, queries, told = session.adaptation.batch
        try:
            if step != self._step:
                self._trials.evaluations = step
                self._rewards = self._trials.evaluate(np.ascontiguousarray(queries[:, None, None]))[0, 0]
                self._step = step
            session.tell(float(self._rewards[told]))
        except (RolloutError, UsageError) as error:
            raise TrainingError(f"task {self._task}, trial {session.trials + 1}: {in_words(error)}") from error
        return True

    def finished(self, session: Session) -> None:
        """Print the rewards before and after, each of one fresh trial, and the best of those between."""
        before = self._score(self._theta, Purpose.BEFORE_EPISODE)
        after = self._score(session.best, Purpose.AFTER_EPISODE)
        best = session.best_reward if session.trials else math.nan
        print(
            f"task {self._task}: reward {before:.2f} before, at best {best:.2f} in {session.trials} trials, "
            f"{after:.2f} after adaptation",
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

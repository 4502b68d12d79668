"""What a stored meta-policy does before and after adaptation: its rollouts again, with positions."""

import numpy as np

from esmaml_mpi.experiment import Experiment
from esmaml_mpi.randomness import Phase, Purpose, Round
from esmaml_mpi.results.reader import Results
from esmaml_mpi.rollouts import Observer
from esmaml_mpi.trained import subspace_of
from esmaml_mpi.trials import Trials
from esmaml_mpi.workspace import Workspace


class Behaviour:
    """The meta-policy of one stored iteration, adapted several times to each of some tasks.

    ``phase`` keys the randomness: EVALUATE is fresh, TEST gives the very rollouts of the run's test at that iteration.
    """

    def __init__(
        self, results: Results, at: str | int, tasks: list[int], adaptations: int, phase: Phase = Phase.EVALUATE
    ):
        self.iteration, theta, mean, std = results.parameters(at)
        self.tasks, self.adaptations = tasks, adaptations
        self.experiment = Experiment(results.config, phase, tasks, adaptations)
        self.lab = self.experiment.evaluator.lab
        self.observer = Observer(mean, std)
        held_out = self.experiment.held_out
        indices = range(held_out.evaluations)
        self.units = held_out.units(Round(phase, self.iteration), indices)
        points = held_out.points(theta, indices)
        adapted, tally = self.experiment.evaluator.adapt(
            points, self.units, self.observer, subspace_of(results, results.config)
        )
        self.parameters = {"before": points[:, :, None], "after": adapted}  # each (d, units, 1)
        self.failed = int(np.count_nonzero(tally.status))

    def paths(self, when: str) -> list[list[np.ndarray]]:
        """Observations (steps + 1, n) of one episode by task and adaptation, "before" or "after" adaptation."""
        purpose = Purpose.BEFORE_EPISODE if when == "before" else Purpose.AFTER_EPISODE
        trials = Trials(self.lab, self.units, self.observer, Workspace(), purpose)
        result = trials.run(np.ascontiguousarray(self.parameters[when][..., None]), record=True)
        columns = range(0, len(result.lengths), self.lab.episodes)
        paths = [result.observations[: result.lengths[i] + 1, :, i] for i in columns]
        return [paths[i : i + self.adaptations] for i in range(0, len(paths), self.adaptations)]

    def answers(self, when: str, inputs: np.ndarray) -> np.ndarray:
        """First action (tasks, adaptations, inputs) at each one-dimensional observation of ``inputs``."""
        parameters = self.parameters[when][:, :, 0]
        policy = self.experiment.policy.bind(parameters, self.observer.mean, self.observer.std)
        actions = np.array([policy.act(np.full((1, len(self.units)), x))[0] for x in inputs])
        return actions.T.reshape(len(self.tasks), self.adaptations, len(inputs))

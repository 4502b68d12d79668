"""What a stored meta-policy does before and after adaptation: its rollouts again, with positions."""

from functools import cached_property, partial

import numpy as np

from esmaml_mpi.config.code import places
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.results.reader import Results
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.tasks.workspace import Workspace
from esmaml_mpi.trained.from_file import subspace_of, theta_for


def can_simulate(results: Results) -> bool:
    """Whether the run's rollouts can be made again without importing what its file names; a run in memory has none."""
    return results.path is None or not places(results.config)


class Behaviour:
    """The meta-policy of one stored iteration, adapted several times to each of some tasks.

    ``phase`` keys the randomness beside the run's seed: EVALUATE is that of ``esmaml evaluate --seed`` with this seed,
    TEST gives the very rollouts of the run's test at that iteration. ``overrides`` change section [adaptation].
    """

    def __init__(
        self,
        results: Results,
        at: str | int,
        tasks: list[int],
        adaptations: int,
        phase: Phase = Phase.EVALUATE,
        overrides: tuple[str, ...] = (),
    ):
        self.path, self.tasks, self.adaptations = results.path, tasks, adaptations
        if not can_simulate(results):
            theirs = ", ".join(f"{key} = {place!r}" for key, place in places(results.config).items())
            raise UsageError(
                f"{self.path}: {theirs} is not this program's, and pictures import nobody's code; `esmaml evaluate "
                f"{self.path} --trust` adapts with it"
            )
        self.iteration, theta, mean, std = results.parameters(at)
        config = load(results.config, overrides).resolved(training=False)
        self.experiment = Experiment(config, phase, tasks, adaptations, training=False)
        results.check_fits(self.experiment.policy)
        theta = theta_for(results, config, self.experiment.policy, theta, overrides)
        self.setup, self.operator = self.experiment.evaluator.setup, self.experiment.evaluator.operator
        self.observer, self.subspace = Observer(mean, std), subspace_of(results, config)
        held_out = self.experiment.held_out
        indices = range(held_out.evaluations)
        self.units = held_out.units(Round(phase, self.iteration), indices)
        self.points = held_out.points(theta, indices)  # (d, units)

    @cached_property
    def adapted(self) -> tuple[np.ndarray, int]:
        """Adapted parameters (d, units, 1), and how many adaptations failed."""
        parameters, tally = self.experiment.evaluator.adapt(self.points, self.units, self.observer, self.subspace)
        return parameters, int(np.count_nonzero(tally.status))

    @property
    def failed(self) -> int:
        """How many adaptations failed."""
        return self.adapted[1]

    def parameters(self, when: str) -> np.ndarray:
        """Parameters (d, units, 1), "before" or "after" adaptation."""
        return self.points[: self.setup.policy.size, :, None] if when == "before" else self.adapted[0]

    def paths(self, when: str) -> list[list[np.ndarray]]:
        """Observations (steps + 1, n) of one episode by task and adaptation, "before" or "after" adaptation."""
        purpose = Purpose.BEFORE_EPISODE if when == "before" else Purpose.AFTER_EPISODE
        trials = Trials(self.setup, self.units, self.observer, Workspace(), purpose)
        result = trials.run(np.ascontiguousarray(self.parameters(when)[..., None]), record=True)
        columns = range(0, len(result.lengths), self.setup.episodes)
        paths = [result.observations[: result.lengths[i] + 1, :, i] for i in columns]
        return [paths[i : i + self.adaptations] for i in range(0, len(paths), self.adaptations)]

    def answers(self, when: str, inputs: np.ndarray) -> np.ndarray:
        """First action (tasks, adaptations, inputs) at each one-dimensional observation of ``inputs``."""
        parameters = self.parameters(when)[:, :, 0]
        bind = partial(self.experiment.policy.bind, parameters, self.observer.mean, self.observer.std)
        # Bound anew for each: a policy that remembers is asked at the start of an episode.
        actions = np.array([bind().act(np.full((1, len(self.units)), x))[0].copy() for x in inputs])
        return actions.T.reshape(len(self.tasks), self.adaptations, len(inputs))

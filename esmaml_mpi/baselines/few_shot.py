"""Meta-training on sinusoids: tasks and samples of each meta-iteration from keyed streams, then one step of theta."""

from dataclasses import dataclass, replace

import numpy as np

from esmaml_mpi.baselines.regression import MAML, EvoMAML, Samples
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.tasks.sinusoid import Sinusoid

# Meta-iterations draw new tasks, as Finn et al. (2017) do; test tasks have numbers that training does not reach.
FIRST_TEST_TASK = 2**31


@dataclass(frozen=True)
class FewShot:
    """``shots`` K support samples and ``query_size`` query samples of each task, ``batch_size`` tasks an iteration."""

    learner: MAML | EvoMAML
    family: Sinusoid
    streams: Streams
    shots: int
    query_size: int
    batch_size: int = 25

    def contribution(self, theta: np.ndarray, iteration: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (d,) and performance () of the iteration's task ``index``: a unit of work, the same on any rank."""
        at, task = Round(Phase.TRAIN, iteration), iteration * self.batch_size + index
        support, query = self.samples(at, task, index, self.query_size)
        return self.learner.contribution(theta, support, query, self._normals(theta, at, index))

    def gradient(self, theta: np.ndarray, iteration: int) -> tuple[np.ndarray, float]:
        """Mean gradient (d,) and mean performance after adaptation over the iteration's tasks."""
        gradient, performance = np.zeros(theta.shape), 0.0
        for index in range(self.batch_size):
            part, value = self.contribution(theta, iteration, index)
            gradient, performance = gradient + part, performance + float(value)
        return gradient / self.batch_size, performance / self.batch_size

    def test(self, theta: np.ndarray, tasks: int, steps: int, query_size: int) -> np.ndarray:
        """Performances (tasks, steps + 1) on new tasks after 0, 1, .. inner steps; the same ones at every call."""
        paths = []
        at = Round(Phase.TEST, 0)
        for index in range(tasks):
            support, query = self.samples(at, FIRST_TEST_TASK + index, index, query_size)
            paths.append(self.learner.path(theta, support, query, self._normals(theta, at, index), steps))
        return np.stack(paths)

    def samples(self, at: Round, task: int, index: int, query_size: int) -> tuple[Samples, Samples]:
        """Support and query samples of a task, (1, shots) and (1, query_size) each."""
        parameters = self.family.task_parameters(task, self.streams.generator(Purpose.TASK, task=task))
        return (
            self._drawn(parameters, self.shots, self.streams.generator(Purpose.QUERY_EPISODE, at, unit=index)),
            self._drawn(parameters, query_size, self.streams.generator(Purpose.AFTER_EPISODE, at, unit=index)),
        )

    def _drawn(self, parameters: np.ndarray, count: int, generator: np.random.Generator) -> Samples:
        amplitude, phase = parameters
        # An episode shows one input at each step.
        inputs = replace(self.family, horizon=count).draw_noise(generator, 1).T
        return Samples(inputs, amplitude * np.sin(inputs - phase))

    def _normals(self, theta: np.ndarray, at: Round, index: int) -> np.ndarray:
        generator = self.streams.generator(Purpose.ADAPTATION, at, unit=index)
        return generator.standard_normal((theta.size, self.learner.normals_wanted))

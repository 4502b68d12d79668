"""Few-shot regression of y = A sin(x - phase) as an episodic task: reward = -MSE on fresh samples.

google-research ``es_maml/task.py`` SinusodialTask: A ~ U(0.1, 5), phase ~ U(0, pi), x ~ U(-5, 5), 100 samples. An
episode is one data set: each step shows one x, the action is the prediction. ``task.horizon`` is the number of
samples. Use ``policy.output = "identity"``: tanh cannot reach an amplitude of 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.native.door import sin
from esmaml_mpi.settings import setting
from esmaml_mpi.tasks.workspace import Workspace


@dataclass(frozen=True)
class Sinusoid:
    """Regression onto one sine wave; the task is its amplitude and phase."""

    horizon: int = 100
    amplitude_low: float = setting(0.1, "amplitudes are uniform from this", minimum=0)
    amplitude_high: float = setting(5.0, "amplitudes are uniform up to this", above=0)
    phase_high: float = setting(np.pi, "phases are uniform from 0 to this", minimum=0)
    input_range: float = setting(5.0, "inputs are uniform within +- this", above=0)

    name = "sinusoid"
    observation_size = 1
    action_size = 1
    default_horizon = 100
    task_count = None
    batch_limit = 1000
    tasks_share_dynamics = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        if self.amplitude_low > self.amplitude_high:
            raise ConfigError(
                f"task.options.amplitude_low = {self.amplitude_low}: at most task.options.amplitude_high = "
                f"{self.amplitude_high} is wanted."
            )

    @property
    def noise_size(self) -> int:
        return self.horizon

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """Amplitude and phase (2,)."""
        return generator.uniform([self.amplitude_low, 0.0], [self.amplitude_high, self.phase_high])

    def best_return(self, task: np.ndarray) -> float:
        """Every prediction is right."""
        return 0.0

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Inputs (horizon, episodes)."""
        return generator.uniform(-self.input_range, self.input_range, (self.horizon, episodes))

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> "SinusoidSimulation":
        assert noise is not None  # the inputs
        return SinusoidSimulation(noise)


class SinusoidSimulation:
    """B data sets, one sample per step."""

    running = None

    def __init__(self, inputs: np.ndarray):
        self.inputs = inputs
        self.predictions = np.empty(inputs.shape)
        self.steps = 0

    def reset(self, observation: np.ndarray) -> None:
        observation[0] = self.inputs[0]

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        self.predictions[self.steps] = actions[0]
        self.steps += 1
        observation[0] = self.inputs[min(self.steps, len(self.inputs) - 1)]  # the last one is not acted upon

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, None]:
        amplitude, phase = tasks
        errors = self.predictions[: self.steps] - amplitude * sin(self.inputs[: self.steps] - phase)
        return -(errors**2) / len(self.inputs), None

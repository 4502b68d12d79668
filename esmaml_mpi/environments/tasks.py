"""A family's tasks and spaces as environments have them: the same tasks as in a run, by number."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from gymnasium.spaces import Box

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.reproducibility.randomness import Purpose, Streams
from esmaml_mpi.settings.fields import WORD, show
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.contract import task_table
from esmaml_mpi.tasks.family import TaskFamily

# Options that bound what is worth doing, where that is not +-1: larger actions are clipped, or beyond any sine.
BOUNDS = ("action_limit", "amplitude_high")
MOST_TASK = 2**32 - 1  # task ids are 32-bit parts of the keys of random streams
STEPS_PER_SECOND = 10  # of pictures, where steps are not in time


class Tasks:
    """A family made from options, and parameters of its tasks under one ``task.seed``."""

    def __init__(self, name: str, horizon: int | None, options: Mapping, seed: int):
        """ConfigError or FamilyError if there is no such family, or if it does not take these options."""
        if horizon is not None and (not isinstance(horizon, (int, np.integer)) or horizon < 1):
            raise ConfigError(f"horizon = {show(horizon)}: an integer >= 1 is wanted.")
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < WORD:
            raise ConfigError(f"task_seed = {show(seed)}: an integer from 0 to 2**63 - 1 is wanted.")
        self.family: TaskFamily = make_family(name, horizon, options)
        self._streams = Streams(seed)
        self._made_of = (name, horizon, dict(options), seed)

    def __reduce__(self) -> tuple:
        return Tasks, self._made_of

    def parameters(self, numbers: Sequence[int]) -> np.ndarray:
        """Parameters (p, tasks) of the tasks with these numbers; ConfigError if there is no such task."""
        count = self.family.task_count
        last = MOST_TASK if count is None else count - 1
        for number in numbers:
            if not isinstance(number, (int, np.integer)) or not 0 <= number <= last:
                raise ConfigError(f"task = {show(number)}: {self.family.name} has tasks 0 to {last}.")
        return task_table(self.family, numbers, lambda i: self._streams.generator(Purpose.TASK, task=i))

    def noise(self, generators: Iterable[np.random.Generator]) -> np.ndarray | None:
        """Noise (noise_size, episodes), each episode's from a generator of its own; None for a family without any."""
        if not self.family.noise_size:
            return None
        return np.concatenate([self.family.draw_noise(generator, 1) for generator in generators], axis=1)

    @property
    def observation_space(self) -> Box:
        """Any numbers: most observations are positions and velocities, which nothing bounds."""
        return Box(-np.inf, np.inf, (self.family.observation_size,), np.float64)

    @property
    def action_space(self) -> Box:
        """All actions that differ in what they do: a family clips to the same bounds, or nothing is gained beyond."""
        bound = next((getattr(self.family, name) for name in BOUNDS if hasattr(self.family, name)), 1.0)
        return Box(-bound, bound, (self.family.action_size,), np.float64)

    @property
    def metadata(self) -> dict:
        """Render modes, and frames per second that show simulated time as it passes."""
        seconds = getattr(self.family, "seconds", None)
        return {"render_modes": ["rgb_array"], "render_fps": round(1 / seconds) if seconds else STEPS_PER_SECOND}

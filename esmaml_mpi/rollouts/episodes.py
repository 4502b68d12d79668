"""What is simulated: episodes side by side, a column each."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.observations.observer import Observer


@dataclass(frozen=True)
class Episodes:
    """B episodes: parameters (d, B), task parameters (p, B) or, of T tasks that share an episode, (p, T, B), noise
    (noise_size, B) or None, and who scales observations.
    """

    parameters: np.ndarray
    tasks: np.ndarray
    noise: np.ndarray | None
    observer: Observer

    @property
    def batch(self) -> int:
        """B."""
        return int(self.parameters.shape[1])

    def of(self, columns: slice) -> "Episodes":
        """Those of these columns."""
        noise = None if self.noise is None else self.noise[:, columns]
        return Episodes(self.parameters[:, columns], self.tasks[..., columns], noise, self.observer.of(columns))

    def repeated(self, times: int) -> "Episodes":
        """Each of them ``times`` times."""
        noise = None if self.noise is None else np.repeat(self.noise, times, axis=-1)
        parameters, tasks = np.repeat(self.parameters, times, axis=-1), np.repeat(self.tasks, times, axis=-1)
        return Episodes(parameters, tasks, noise, self.observer.repeated(times))

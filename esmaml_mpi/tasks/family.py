"""What a task family is: a set of numbered tasks that share observations, actions and a batched simulation."""

from typing import Protocol

import numpy as np

from esmaml_mpi.workspace import Workspace


class Simulation(Protocol):
    """One batch of B episodes in lockstep. Arrays have the batch axis last."""

    def reset(self, observation: np.ndarray) -> None:
        """Start every episode and write the first observations into ``observation`` (n, B)."""

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        """Apply actions (m, B), which may be overwritten, and write the next observations into ``observation`` (n,
        B).
        """

    def returns(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Total reward (B,) and number of steps (B,), None when all episodes have full length.

        ``observations`` (horizon + 1, n, B) is what reset and step wrote.
        """


class TaskFamily(Protocol):
    """A family. Concrete families are frozen dataclasses whose fields are their documented options."""

    name: str
    observation_size: int
    action_size: int
    horizon: int  # steps of an episode, at most
    default_horizon: int
    task_count: int | None  # number of distinct tasks, None if they are drawn from a continuum
    noise_size: int  # random numbers one episode needs, drawn beforehand; 0 for a deterministic family
    # The most simulations worth stepping together for a policy of d parameters: arrays should stay in cache.
    batch_limit: int

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """Parameters (p,) of task ``task_id``; ``generator`` is the task's own stream."""

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Noise (noise_size, episodes) of that many episodes."""

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> Simulation:
        """Episodes of the tasks with parameters (p, B) and noise (noise_size, B)."""

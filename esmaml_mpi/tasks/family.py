"""What a task family is: a set of numbered tasks that share observations, actions and a batched simulation."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from esmaml_mpi.policies.contract import Bound
from esmaml_mpi.tasks.workspace import Workspace


class Simulation(Protocol):
    """One batch of B episodes in lockstep. Arrays have the batch axis last."""

    # After a step: which episodes go on, (B,) bool; the others are no longer stepped. None: all go on to the horizon,
    # or their ends cost nothing to overrun and are only looked for in ``rewards``.
    running: np.ndarray | None

    def reset(self, observation: np.ndarray) -> None:
        """Start every episode and write the first observations into ``observation`` (n, B)."""

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        """Apply actions (m, B), which may be overwritten, and write the next observations into ``observation`` (n,
        B).
        """

    def narrow(self, kept: np.ndarray) -> None:
        """Go on with the episodes ``kept``, indices into the present ones; asked only where ``running`` is not None.

        From now on B is their number in ``step`` and ``running``; ``rewards`` still tells of all.
        """

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Rewards (T, B) of the T steps done, and whether the episode is over after each, (T, B) bool or None.

        ``observations`` (T + 1, n, B) is what reset and step wrote. What is said of steps after an episode's end is not
        looked at. ``tasks`` (p, B) are those of ``simulation``, or, if the family's ``tasks_share_dynamics``, others.
        """


class WholePaths(Protocol):
    """What a simulation may have beside the methods above: all steps at once, as compiled kernels do them."""

    def whole_path(self, bound: Bound, observations: np.ndarray, sums: np.ndarray) -> bool:
        """All steps up to the horizon, in place of ``reset`` and ``step``, to the same bits.

        Writes ``observations`` (horizon + 1, n, B), and into ``sums`` (2n, B) what ``native.door.moments`` makes of all
        but the last. ``bound`` is what ``Policy.bind`` returned. False, and nothing done, if it is not one that can.
        """


class WholeEpisodes(Protocol):
    """What a simulation may have beside the methods above. Not asked for episodes that are priced for several tasks."""

    def whole_episodes(self, bound: Bound) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Returns (B,), lengths (B,) and observation sums (2n, B) of whole episodes, to the bits that all other methods
        would give. None if ``bound``, what ``Policy.bind`` returned, is not one that can.
        """


class Successes(Protocol):
    """What a simulation has beside the methods above if the family's ``reports_success`` is true."""

    # (B,), asked for after ``rewards``: whether each episode was a success by a measure of the family's own, 1 or 0, or
    # nan where nothing was said. For reports alone: nothing learns from it.
    successes: np.ndarray


class TaskFamily(Protocol):
    """A family. Concrete families are frozen dataclasses whose fields are their documented options."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]]  # what the option ``variant`` stands for, if there is one
    name: str
    observation_size: int
    action_size: int
    horizon: int  # steps of an episode, at most
    default_horizon: int
    task_count: int | None  # number of distinct tasks, None if they are drawn from a continuum
    noise_size: int  # random numbers one episode needs, drawn beforehand; 0 for a deterministic family
    # The most simulations worth stepping together for a policy of d parameters: arrays should stay in cache.
    batch_limit: int
    # Optional: the most simulations worth asking ``whole_episodes`` for; batch_limit where there is none.
    whole_limit: int
    # Optional: the most episodes that may be under way at once, if not 0; batch_limit is no larger then.
    most_at_once: int
    # Optional: tasks differ in reward (and post-hoc ends) alone, so that one simulated episode can be priced for each.
    tasks_share_dynamics: bool
    # Optional: best_return(task), the highest total reward that any policy can have on the task of parameters (p,), or
    # None where it is not known. It is shown beside what was reached.
    # Optional: whether its simulations have ``successes``, see ``Successes``; tests then report them beside returns.
    reports_success: bool
    # Optional, for programs that run its policies elsewhere, see ``interface.py``: observation_names, action_names,
    # action_low, action_high, actions_scaled, rate.
    # Optional, of families that run code of the user's: ``remarks``, pairs of what each is about and a sentence, which
    # rank 0 says once after the first iteration and at the end; ``code``, classes that episodes may share something in.

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """Parameters (p,) of task ``task_id``; ``generator`` is the task's own stream."""

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Noise (noise_size, episodes) of that many episodes."""

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> Simulation:
        """Episodes of the tasks with parameters (p, B) and noise (noise_size, B)."""

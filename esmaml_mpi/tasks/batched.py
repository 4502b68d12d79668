"""A base class for simulators of your own that are written in NumPy: a family of tasks from three methods.

What a batch of B episodes is made of are arrays with the batch axis last, which ``begin`` makes, ``advance`` changes
and ``observe`` looks at. Starts, ends, narrowing to the episodes that go on, and rewards are taken care of, so that a
step costs what these methods cost. docs/batched_environments.md has an example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from esmaml_mpi.errors import FamilyError, in_words
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.bounds import Bounds
from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.workspace import Workspace

State = SimpleNamespace


@dataclass(frozen=True)
class BatchedFamily:
    """Base of a task family that simulates batches in NumPy; a subclass is a frozen dataclass, its fields are options.

    It has the attributes ``observation_size`` n, ``action_size`` m and ``default_horizon``, and the methods
    ``task_parameters``, ``begin``, ``advance`` and ``observe``. Every episode must come out the same whatever is
    beside it: no sums over the batch axis, no random numbers but ``noise``. A few steps are tried before a run, and a
    line says so if they do not.
    """

    horizon: int = 0  # steps of an episode; make_family sets it

    observation_size: ClassVar[int]
    action_size: ClassVar[int]
    default_horizon: ClassVar[int]
    task_count: ClassVar[int | None] = None  # number of distinct tasks; None: they are drawn from a continuum
    noise_size: ClassVar[int] = 0  # random numbers that an episode needs, from its start to its end
    batch_limit: ClassVar[int] = 1000  # the most episodes worth stepping together
    # Lowest and highest actions, one number or m of them. Outputs of policies in [-1, 1] are scaled to them where an
    # action has both, and clipped to those that it has.
    action_low: ClassVar[float | Sequence[float]] = ()
    action_high: ClassVar[float | Sequence[float]] = ()
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @property
    def name(self) -> str:
        """What messages call it: its class."""
        return type(self).__name__

    def task_parameters(self, task_id: int, generator: np.random.Generator) -> np.ndarray:
        """Parameters (p,) of task ``task_id``, drawn from ``generator``, the task's own, or looked up by the number."""
        raise NotImplementedError

    def draw_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        """Noise (noise_size, episodes): standard normals, unless a subclass draws something else."""
        return generator.standard_normal((self.noise_size, episodes))

    def begin(self, tasks: np.ndarray, noise: np.ndarray | None) -> Mapping[str, Any]:
        """What B episodes start with, by name, for tasks (p, B) and noise (noise_size, B), None if that is 0.

        Arrays (..., B) are narrowed to the episodes that go on; what is no array, a step count for example, is kept as
        it is.
        """
        raise NotImplementedError

    def advance(self, state: State, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """One step with actions (m, B): change ``state``, whose attributes are what ``begin`` gave.

        Rewards (B,) of this step, and which episodes it ends (B,) bool, None for none of them.
        """
        raise NotImplementedError

    def observe(self, state: State) -> np.ndarray | Sequence[np.ndarray]:
        """Observations (n, B), or n rows (B,)."""
        raise NotImplementedError

    @property
    def actions_scaled(self) -> bool:
        """Whether outputs of policies stand for the way between bounds."""
        return bool(np.size(self.action_low) and np.size(self.action_high))

    def simulation(self, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace) -> "BatchedSimulation":
        """See ``family.TaskFamily``."""
        return BatchedSimulation(self, tasks, noise, workspace)


class BatchedSimulation(EndingEpisodes):
    """B episodes of a BatchedFamily. FamilyError where its methods give something else than they should."""

    def __init__(self, family: BatchedFamily, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace):
        super().__init__(tasks.shape[1], family.horizon, workspace)
        self.family, self.state = family, State()
        self._tasks, self._noise = tasks, noise
        self._earned = workspace.array("earned", family.horizon, self.batch)
        self._bounds = _bounds(family)
        self._ends = False

    def reset(self, observation: np.ndarray) -> None:
        # Copies: what a family adds to in place must not be what other episodes start from.
        noise = None if self._noise is None else self._noise.copy()
        begun = self.family.begin(self._tasks.copy(), noise)
        if not isinstance(begun, Mapping):
            raise FamilyError(f"{self._name('begin')} gave {show(begun)}; a table of arrays by name is wanted.")
        for name, array in begun.items():
            if isinstance(array, np.ndarray) and array.shape[-1:] != (self.batch,):
                raise FamilyError(
                    f"{self._name('begin')} gave {name} of shape {array.shape}; (..., episodes) is wanted, here (..., "
                    f"{self.batch}), and numbers that all episodes share as numbers, lists or tuples."
                )
        self.state = State(**begun)
        self._observe(observation)

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        present = len(self.columns)
        outcome = self.family.advance(self.state, actions if self._bounds is None else self._bounds(actions))
        if not isinstance(outcome, tuple) or len(outcome) != 2:
            raise FamilyError(f"{self._name('advance')} gave {show(outcome)}; a pair (rewards, over) is wanted.")
        rewards, over = outcome
        self.record(self._earned, self._row("rewards", rewards, "biuf", present))
        if over is not None:
            over, self._ends = self._row("ends", over, "b", present), True
        self._observe(observation)
        self.finish_step(over)

    def narrow(self, kept: np.ndarray) -> None:
        super().narrow(kept)
        for name, array in vars(self.state).items():
            if isinstance(array, np.ndarray):
                setattr(self.state, name, array[..., kept])

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        done = slice(0, len(observations) - 1)
        return self._earned[done], self.over[done] if self._ends else None

    def frame(self, column: int) -> np.ndarray:
        """A picture (height, width, 3) uint8 of an episode: what the family's ``picture(state, column)`` gives."""
        picture = getattr(self.family, "picture", None)
        if picture is None:
            raise FamilyError(
                f"task family {self.family.name!r}: it draws nothing; a method picture(state, column) that gives an "
                "array (height, width, 3) of uint8 is wanted."
            )
        return np.asarray(picture(self.state, column))

    def _observe(self, observation: np.ndarray) -> None:
        seen = self.family.observe(self.state)
        wanted = f"(observation_size, episodes) = {observation.shape} is wanted"
        if isinstance(seen, np.ndarray):
            if seen.shape != observation.shape:
                raise FamilyError(f"{self._name('observe')} gave observations of shape {seen.shape}; {wanted}.")
            observation[...] = seen
            return
        try:
            for row, values in zip(observation, seen, strict=True):
                row[...] = values
        except (TypeError, ValueError) as error:
            raise FamilyError(f"{self._name('observe')} gave {show(seen)}; {wanted}: {in_words(error)}.") from error

    def _row(self, what: str, values: Any, kinds: str, episodes: int) -> np.ndarray:
        array = np.asarray(values)
        if array.shape != (episodes,) or array.dtype.kind not in kinds:
            wanted = "real numbers" if "f" in kinds else "true or false"
            raise FamilyError(
                f"{self._name('advance')} gave {what} of shape {array.shape} and type {array.dtype}; ({episodes},) of "
                f"{wanted} is wanted."
            )
        return array

    def _name(self, method: str) -> str:
        return f"task family {self.family.name!r}: {method}()"


def _bounds(family: BatchedFamily) -> Bounds | None:
    """What outputs become actions by; None where these have no bounds."""
    if not np.size(family.action_low) and not np.size(family.action_high):
        return None
    ends: list[np.ndarray] = []
    for name, none in (("action_low", -np.inf), ("action_high", np.inf)):
        bound = getattr(family, name)
        if np.size(bound) not in (0, 1, family.action_size):
            raise FamilyError(
                f"task family {family.name!r}: {name} = {show(bound)}; one number, or action_size = "
                f"{family.action_size} of them, is wanted."
            )
        ends.append(np.broadcast_to(np.ravel(bound) if np.size(bound) else none, family.action_size))
    low, high = ends
    return Bounds(low, high, scale=True)

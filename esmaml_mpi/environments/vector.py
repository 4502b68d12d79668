"""Many tasks of a family as one Gymnasium vector environment, stepped as batches."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from esmaml_mpi.environments.episodes import Episodes
from esmaml_mpi.environments.tasks import Tasks
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.workspace import Workspace

if TYPE_CHECKING:
    from esmaml_mpi.rendering.painter import Painter


NOT_KEPT = ("family", "_painters", "_spare", "_cohorts")  # in copies, which make their own


class FamilyVectorEnv(VectorEnv):
    """``num_envs`` episodes of a family, each as FamilyEnv would run it.

    ``tasks`` are their tasks' numbers, ``task`` is one for all; by default 0, 1, 2 and so on, again from 0 after the
    last. An episode that has ended starts again at the next step, whose action and reward mean nothing (NEXT_STEP).
    Episodes that started at the same step are one batch. ``max_episode_steps`` truncates like ``horizon``.
    """

    metadata = {"render_modes": ["rgb_array"], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        family: str,
        num_envs: int = 1,
        task: int | None = None,
        tasks: Sequence[int] | None = None,
        task_seed: int = 0,
        horizon: int | None = None,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        width: int = 480,
        height: int = 480,
        **options: Any,
    ) -> None:
        self._tasks = Tasks(family, horizon, options, task_seed)
        self.family, self.num_envs = self._tasks.family, num_envs
        self._limit = min(self.family.horizon, max_episode_steps or self.family.horizon)
        self.tasks = _numbers(self.family, num_envs, task, tasks)
        self.task_parameters = self._tasks.parameters(self.tasks)
        self.single_observation_space = self._tasks.observation_space
        self.single_action_space = self._tasks.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.metadata = {**self.metadata, **self._tasks.metadata}
        self.render_mode, self._size = render_mode, (width, height)
        self._painters: list[Painter] = []
        self._generators = [seeding.np_random() for _ in range(num_envs)]
        # Who started together, and where each one is: which batch, and which of its columns.
        self._cohorts: list[tuple[np.ndarray, Episodes]] = []
        self._spare: list[Workspace] = []
        self._observations = np.zeros((num_envs, self.family.observation_size))
        self._ended = np.zeros(num_envs, dtype=bool)

    @property  # type: ignore[misc]  # nobody sets them
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]  # one each, as SyncVectorEnv
        """The generator of each episode's noise."""
        return tuple(generator for generator, _ in self._generators)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]  # likewise
        """The seed of each of these generators."""
        return tuple(seed for _, seed in self._generators)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict | None = None
    ) -> tuple[np.ndarray, dict]:
        """Start episodes anew: all, or those of the mask ``options["reset_mask"]`` (num_envs,) bool. They go on with
        another task if ``options["task"]`` has one for all, or one for each sub-environment.

        A seed s gives s, s + 1 and so on to the sub-environments; a list has one for each, None to leave it as it is.
        """
        chosen = np.ones(self.num_envs, dtype=bool)
        if options and "reset_mask" in options:
            chosen = np.asarray(options["reset_mask"])
            if chosen.shape != (self.num_envs,) or chosen.dtype != bool or not chosen.any():
                raise ValueError(
                    f"reset_mask of type {chosen.dtype} and shape {chosen.shape}: ({self.num_envs},) bool is wanted, "
                    "not all false."
                )
            if not self._cohorts and not chosen.all():
                raise ResetNeeded("Nothing has started yet: call reset() without a mask.")
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, (int, np.integer)) else seed
        if seeds is not None and len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds: one for each of {self.num_envs} sub-environments is wanted.")
        if options and "task" in options:
            self._take(options["task"], np.flatnonzero(chosen))
        if seeds is not None:
            for i in np.flatnonzero(chosen):
                if (own := seeds[int(i)]) is not None:
                    self._generators[i] = seeding.np_random(own)
        self._start(np.flatnonzero(chosen))
        return self._observations.copy(), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
        """Act (num_envs, m): observations (num_envs, n), rewards, terminations, truncations (num_envs,), infos."""
        if not self._cohorts:
            raise ResetNeeded("Call reset() before step().")
        actions = np.asarray(actions, dtype=np.float64).reshape(self.num_envs, -1)
        rewards = np.zeros(self.num_envs)
        terminations, truncations = np.zeros(self.num_envs, dtype=bool), np.zeros(self.num_envs, dtype=bool)
        starting = np.flatnonzero(self._ended)
        if len(starting):
            self._start(starting)
        acting = ~np.isin(np.arange(self.num_envs), starting)
        for members, episodes in self._cohorts:
            going = (members >= 0) & acting[members]
            if not going.any():
                continue
            step_rewards, over = episodes.step(actions[members].T)
            chosen = members[going]
            rewards[chosen], terminations[chosen] = step_rewards[going], over[going]
            truncations[chosen] = episodes.steps == self._limit
            self._observations[chosen] = episodes.observation[going]
        self._ended = terminations | truncations
        return self._observations.copy(), rewards, terminations, truncations, {}

    def render(self) -> tuple[np.ndarray, ...] | None:
        """A picture (height, width, 3) uint8 of each sub-environment."""
        if self.render_mode is None:
            return None
        if not self._cohorts:
            raise ResetNeeded("There is nothing to draw yet: call reset() before render().")
        if not self._painters:
            from esmaml_mpi.rendering import make_painter  # needs libraries that acting does not

            # One each: a painter remembers how large its episode's view has to be.
            self._painters = [make_painter(self.family, *self._size) for _ in range(self.num_envs)]
        pictures: dict[int, np.ndarray] = {}
        for members, episodes in self._cohorts:
            for column in np.flatnonzero(members >= 0):
                i = members[column]
                pictures[i] = self._painters[i].frame(
                    episodes.simulation, int(column), episodes.observations, episodes.tasks
                )
        return tuple(pictures[i] for i in range(self.num_envs))

    def __getstate__(self) -> dict:
        """For copies and pickles: simulations do not keep, so that a copy makes the steps of its episodes again."""
        state = {name: value for name, value in vars(self).items() if name not in NOT_KEPT}
        return state | {"_records": [(members.copy(), episodes.record()) for members, episodes in self._cohorts]}

    def __setstate__(self, state: dict) -> None:
        records = state.pop("_records")
        vars(self).update(state, _painters=[], _spare=[])
        self.family = self._tasks.family
        self._cohorts = [(members, Episodes.again(self.family, each, Workspace())) for members, each in records]

    def close_extras(self, **kwargs: Any) -> None:
        for painter in self._painters:
            painter.close()
        self._painters = []

    def _take(self, task: int | Sequence[int], chosen: np.ndarray) -> None:
        """Other tasks for sub-environments ``chosen``."""
        tasks = [task] * self.num_envs if isinstance(task, (int, np.integer)) else list(task)
        if len(tasks) != self.num_envs:
            raise ConfigError(f"task = {tasks!r}: one number, or {self.num_envs}, one for each, is wanted.")
        numbers = [tasks[i] for i in chosen]
        parameters = self.task_parameters.copy()
        parameters[:, chosen] = self._tasks.parameters(numbers)
        self.task_parameters = parameters
        for i, number in zip(chosen.tolist(), numbers, strict=True):
            self.tasks[i] = number

    def _start(self, chosen: np.ndarray) -> None:
        """Start sub-environments ``chosen`` as a batch of their own, and drop batches that have nobody left."""
        left = []
        for members, episodes in self._cohorts:
            gone = np.isin(members, chosen)
            members[gone] = -1
            stopped = np.zeros(episodes.batch, dtype=bool)
            stopped[: len(members)] = gone
            episodes.stop(stopped)
            if (members >= 0).any():
                left.append((members, episodes))
            else:
                self._spare.append(episodes.workspace)
        workspace = self._spare.pop() if self._spare else Workspace()
        noise = self._tasks.noise(self._generators[i][0] for i in chosen)
        episodes = Episodes(self.family, self.task_parameters[:, chosen], noise, workspace)
        self._cohorts = [*left, (chosen.copy(), episodes)]
        self._observations[chosen] = episodes.observation
        self._ended[chosen] = False


def _numbers(family: TaskFamily, num_envs: int, task: int | None, tasks: Sequence[int] | None) -> list[int]:
    if task is not None and tasks is not None:
        raise ConfigError(f"task = {task!r}, tasks = {tasks!r}: one of them is wanted.")
    if task is not None:
        return [task] * num_envs
    if tasks is None:
        return [i % (family.task_count or num_envs) for i in range(num_envs)]
    if len(tasks) != num_envs:
        raise ConfigError(f"tasks = {list(tasks)!r}: one for each of {num_envs} sub-environments is wanted.")
    return list(tasks)

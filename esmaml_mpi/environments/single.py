"""One task of a family as a Gymnasium environment."""

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded

from esmaml_mpi.environments.episodes import Episodes
from esmaml_mpi.environments.tasks import Tasks
from esmaml_mpi.tasks.workspace import Workspace

if TYPE_CHECKING:
    from esmaml_mpi.rendering.painter import Painter


NOT_KEPT = ("family", "_painter", "_workspace", "_episodes")  # in copies, which make their own


class FamilyEnv(gymnasium.Env):
    """Task ``task`` of a family, as it is in a run with ``task.seed = task_seed``.

    ``horizon`` is where episodes are truncated, by default the family's; ``options`` are the family's own.
    ``reset(options={"task": i})`` goes on with another task. ``width`` and ``height`` are those of pictures.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012 (Gymnasium's way)

    def __init__(
        self,
        family: str,
        task: int = 0,
        task_seed: int = 0,
        horizon: int | None = None,
        render_mode: str | None = None,
        width: int = 480,
        height: int = 480,
        **options: Any,
    ) -> None:
        self._tasks = Tasks(family, horizon, options, task_seed)
        self.family = self._tasks.family
        self.task, self.task_parameters = task, self._tasks.parameters([task])
        self.observation_space, self.action_space = self._tasks.observation_space, self._tasks.action_space
        self.metadata, self.render_mode = self._tasks.metadata, render_mode
        self._size = (width, height)
        self._painter: Painter | None = None
        self._workspace, self._over = Workspace(), True
        self._episodes: Episodes | None = None

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        if options and "task" in options:
            self.task_parameters = self._tasks.parameters([options["task"]])
            self.task = options["task"]
        noise = self._tasks.noise([self.np_random])
        self._episodes = episodes = Episodes(self.family, self.task_parameters, noise, self._workspace)
        self._over = False
        return episodes.observation[0], {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        if self._over or self._episodes is None:
            raise ResetNeeded("The episode is over: call reset() before step().")
        actions = np.asarray(action, dtype=np.float64).reshape(-1, 1)
        (reward,), (terminated,) = self._episodes.step(actions)
        terminated, truncated = bool(terminated), self._episodes.steps == self.family.horizon
        self._over = terminated or truncated
        return self._episodes.observation[0], float(reward), terminated, truncated, {}

    def render(self) -> np.ndarray | None:
        """A picture (height, width, 3) uint8 of the present state."""
        if self.render_mode is None:
            return None
        if self._episodes is None:
            raise ResetNeeded("There is nothing to draw yet: call reset() before render().")
        if self._painter is None:
            from esmaml_mpi.rendering import make_painter  # needs libraries that acting does not

            self._painter = make_painter(self.family, *self._size)
        episodes = self._episodes
        return self._painter.frame(episodes.simulation, 0, episodes.observations, episodes.tasks)

    def __getstate__(self) -> dict:
        """For copies and pickles: simulations do not keep, so that a copy makes the steps of its episode again."""
        state = {name: value for name, value in vars(self).items() if name not in NOT_KEPT}
        return state | {"_record": self._episodes.record() if self._episodes else None}

    def __setstate__(self, state: dict) -> None:
        record = state.pop("_record")
        vars(self).update(state, _painter=None, _workspace=Workspace(), _episodes=None)
        self.family = self._tasks.family
        if record is not None:
            self._episodes = Episodes.again(self.family, record, self._workspace)

    def close(self) -> None:
        if self._painter is not None:
            self._painter.close()
            self._painter = None

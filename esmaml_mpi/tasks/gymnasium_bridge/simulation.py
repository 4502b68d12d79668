"""Episodes of environments, stepped one by one."""

import numpy as np

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.gymnasium_bridge.blueprint import Blueprint
from esmaml_mpi.tasks.gymnasium_bridge.instance import AnyInstance
from esmaml_mpi.tasks.gymnasium_bridge.masks import obeying
from esmaml_mpi.tasks.gymnasium_bridge.pool import pool_of
from esmaml_mpi.tasks.workspace import Workspace


class GymnasiumSimulation(EndingEpisodes):
    """B episodes, each in an instance of its own. A policy whose output is no number ends its episode, reward nan.

    Episodes that do not run when the others are reset have no instance.
    """

    def __init__(self, blueprint: Blueprint, horizon: int, tasks: np.ndarray, seeds: np.ndarray, workspace: Workspace):
        super().__init__(tasks.shape[1], horizon, workspace)
        self.blueprint, self.tasks, self.seeds = blueprint, tasks, seeds
        self.earned = workspace.array("earned", horizon, self.batch)
        self.instances: dict[int, AnyInstance] = {}

    def reset(self, observation: np.ndarray) -> None:
        self.instances = pool_of(self.workspace).take(self.blueprint, self.tasks, self)
        converter = self.blueprint.sample.actions
        alike = all(one.actions is converter for one in self.instances.values())
        self.convert = converter if alike else self._each
        values = self.blueprint.variation.values
        observation[:, ~self.running] = 0.0
        for i, instance in self.instances.items():
            instance.reset(int(self.seeds[i]), values(self.tasks[:, i]), observation[:, i])

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        lost = np.isnan(actions).any(axis=0)
        ended, earned = lost.copy(), np.where(lost, np.nan, 0.0)
        acting = self.running & ~lost
        masks = [self.instances[int(i)].mask if acts else None for i, acts in zip(self.columns, acting, strict=True)]
        moves = self.convert(obeying(np.where(lost, 0.0, actions), masks, acting, self.blueprint.sample.actions))
        for j in np.flatnonzero(acting):
            instance = self.instances[int(self.columns[j])]
            earned[j], ended[j] = instance.step(moves[j], observation[:, j])
            if ended[j] and instance.truncated and self.steps + 1 < len(self.over):
                self.blueprint.cut_after = self.blueprint.cut_after or self.steps + 1
        if lost.any():
            observation[:, lost] = np.nan
        self.record(self.earned, earned)
        self.finish_step(ended)

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        done = slice(0, len(observations) - 1)
        return self.earned[done], self.over[done]

    @property
    def successes(self) -> np.ndarray:
        """See ``tasks.family.Successes``."""
        found = np.full(self.batch, np.nan)
        for i, instance in self.instances.items():
            found[i] = instance.success
        return found

    def frame(self, column: int) -> np.ndarray:
        """A picture (height, width, 3) of an episode, as the environment draws it; FamilyError if it does not."""
        picture = self.instances[column].render()
        if picture is None:
            raise FamilyError(
                f"task.options.environment = {show(self.blueprint.environment)} draws nothing; a method render() is "
                'wanted, and task.options.arguments.render_mode = "rgb_array" if it has that mode.'
            )
        return np.asarray(picture)

    def _each(self, actions: np.ndarray) -> list:
        """Where bounds differ between tasks."""
        columns = enumerate(self.columns.tolist())
        return [self.instances[i].actions(actions[:, [j]])[0] if i in self.instances else None for j, i in columns]

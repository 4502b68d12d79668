"""Episodes of environments, stepped one by one; instances are kept for the next episodes."""

import threading
import weakref

import numpy as np

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.gymnasium_bridge.blueprint import Blueprint
from esmaml_mpi.tasks.gymnasium_bridge.instance import Instance
from esmaml_mpi.tasks.workspace import Workspace

MOST_IDLE = 256  # instances kept for tasks that have none running


class Pool:
    """A workspace's instances: lent to its last simulation, until the next one takes them back."""

    def __init__(self) -> None:
        self.idle: dict[tuple[Blueprint, bytes], list[Instance]] = {}  # the one used last comes last
        self.lent: list[tuple[tuple[Blueprint, bytes], Instance]] = []

    def take(self, blueprint: Blueprint, tasks: np.ndarray) -> list[Instance]:
        """One instance for each task of (p, B)."""
        self._take_back()
        for parameters in tasks.T:
            key = blueprint, blueprint.kind(parameters)
            kept = self.idle.get(key)
            self.lent.append((key, kept.pop() if kept else blueprint.instance(parameters)))
        self._close_all_but(MOST_IDLE)
        return [instance for _, instance in self.lent]

    def close(self) -> None:
        """Close all instances."""
        self._take_back()
        self._close_all_but(0)

    def _take_back(self) -> None:
        lent, self.lent = self.lent, []
        for key, instance in lent:
            if instance.broken:
                instance.close()
                continue
            self.idle[key] = kept = self.idle.pop(key, [])
            kept.append(instance)

    def _close_all_but(self, most: int) -> None:
        count = sum(map(len, self.idle.values()))
        for key in list(self.idle):
            kept = self.idle[key]
            while kept and count > most:
                kept.pop(0).close()
                count -= 1
            if not kept:
                del self.idle[key]


# A workspace belongs to one thread, and so do its instances; they go when it goes.
_pools: "weakref.WeakKeyDictionary[Workspace, Pool]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def pool_of(workspace: Workspace) -> Pool:
    """The pool of a workspace."""
    with _lock:
        if workspace not in _pools:
            _pools[workspace] = pool = Pool()
            weakref.finalize(workspace, pool.close)
        return _pools[workspace]


class GymnasiumSimulation(EndingEpisodes):
    """B episodes, each in an instance of its own. A policy whose output is no number ends its episode, reward nan."""

    def __init__(self, blueprint: Blueprint, horizon: int, tasks: np.ndarray, seeds: np.ndarray, workspace: Workspace):
        super().__init__(tasks.shape[1], horizon, workspace)
        self.blueprint, self.tasks, self.seeds = blueprint, tasks, seeds
        self.earned = workspace.array("earned", horizon, self.batch)
        self.instances = pool_of(workspace).take(blueprint, tasks)
        converter = blueprint.sample.actions
        self.convert = converter if all(one.actions is converter for one in self.instances) else self._each

    def reset(self, observation: np.ndarray) -> None:
        values = self.blueprint.variation.values
        for i, instance in enumerate(self.instances):
            instance.reset(int(self.seeds[i]), values(self.tasks[:, i]), observation[:, i])

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        lost = np.isnan(actions).any(axis=0)
        ended, earned = lost.copy(), np.where(lost, np.nan, 0.0)
        moves = self.convert(np.where(lost, 0.0, actions))
        for j in np.flatnonzero(self.running & ~lost):
            instance = self.instances[self.columns[j]]
            earned[j], ended[j] = instance.step(moves[j], observation[:, j])
        if lost.any():
            observation[:, lost] = np.nan
        self.record(self.earned, earned)
        self.finish_step(ended)

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        done = slice(0, len(observations) - 1)
        return self.earned[done], self.over[done]

    def frame(self, column: int) -> np.ndarray:
        """A picture (height, width, 3) of an episode, as the environment draws it; FamilyError if it does not."""
        try:
            picture = self.instances[column].env.render()
        except NotImplementedError:  # what Gymnasium's base class does
            picture = None
        if picture is None:
            raise FamilyError(
                f"task.options.environment = {show(self.blueprint.environment)} draws nothing; a method render() is "
                'wanted, and task.options.arguments.render_mode = "rgb_array" if it has that mode.'
            )
        return np.asarray(picture)

    def _each(self, actions: np.ndarray) -> list:
        """Where bounds differ between tasks."""
        return [self.instances[i].actions(actions[:, j : j + 1])[0] for j, i in enumerate(self.columns)]

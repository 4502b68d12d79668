"""Episodes in vector environments, which are stepped whole; they are kept for the next episodes.

A vector environment goes on until the last of its episodes is over: what it does with the others meanwhile, starting
them anew for example, is not looked at.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.actions import masked
from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.gymnasium_bridge.per_workspace import PerWorkspace
from esmaml_mpi.tasks.gymnasium_bridge.vector_blueprint import VectorBlueprint
from esmaml_mpi.tasks.gymnasium_bridge.vector_instance import VectorInstance
from esmaml_mpi.tasks.workspace import Workspace

MOST_IDLE = 16  # vector environments kept
Kind = tuple[VectorBlueprint, bytes, int]


@dataclass
class Group:
    """Episodes ``members`` (k,), of all B, in the first k lanes of one vector environment.

    ``present`` (j,) are those of the present episodes among them, and ``lanes`` (j,) where these are; None: all, in
    their order.
    """

    instance: VectorInstance
    members: np.ndarray
    present: np.ndarray | None
    lanes: np.ndarray | None


class VectorPool:
    """A workspace's vector environments: lent to its last simulation, until the next one takes them back."""

    def __init__(self) -> None:
        self.idle: list[tuple[Kind, VectorInstance]] = []  # the one used last comes last
        self.lent: list[tuple[Kind, VectorInstance]] = []

    def take_back(self) -> None:
        """What was lent is idle again, or closed if it is broken."""
        lent, self.lent = self.lent, []
        for kind, instance in lent:
            if instance.broken:
                instance.close()
            else:
                self.idle.append((kind, instance))

    def take(self, blueprint: VectorBlueprint, parameters: np.ndarray, count: int) -> VectorInstance:
        """One for ``count`` episodes of a task like this one, of more lanes where their number is fixed."""
        lanes = blueprint.fixed_lanes or count
        kind = (blueprint, blueprint.kind(parameters), lanes)
        for i in reversed(range(len(self.idle))):
            if self.idle[i][0] == kind:
                self.lent.append(self.idle.pop(i))
                return self.lent[-1][1]
        self.lent.append((kind, blueprint.instance(parameters, lanes)))
        return self.lent[-1][1]

    def close_all_but(self, most: int) -> None:
        """Close those that were idle for longest."""
        while len(self.idle) > most:
            self.idle.pop(0)[1].close()

    def close(self) -> None:
        """Close all."""
        self.take_back()
        self.close_all_but(0)


pool_of = PerWorkspace(VectorPool).of


class VectorSimulation(EndingEpisodes):
    """B episodes in lanes of vector environments. A policy whose output is no number ends its episode, reward nan."""

    def __init__(
        self, blueprint: VectorBlueprint, horizon: int, tasks: np.ndarray, seeds: np.ndarray, workspace: Workspace
    ):
        super().__init__(tasks.shape[1], horizon, workspace)
        self.blueprint, self.tasks, self.seeds = blueprint, tasks, seeds.astype(np.int64)
        self.earned = workspace.array("earned", horizon, self.batch)
        self.successes = np.full(self.batch, np.nan)  # see ``tasks.family.Successes``
        pool = pool_of(workspace)
        pool.take_back()
        self.groups = [self._group(pool, members) for members in self._shared_out()]
        pool.close_all_but(MOST_IDLE)

    def _shared_out(self) -> list[np.ndarray]:
        """Which episodes share a vector environment."""
        kinds: dict[bytes, list[int]] = {}
        for b in range(self.batch) if self.blueprint.alike else ():
            kinds.setdefault(self.blueprint.kind(self.tasks[:, b]), []).append(b)
        shares = [np.array(members) for members in kinds.values()] or [np.arange(self.batch)]
        most = self.blueprint.fixed_lanes or self.batch
        return [members[a : a + most] for members in shares for a in range(0, len(members), most)]

    def _group(self, pool: VectorPool, members: np.ndarray) -> Group:
        instance = pool.take(self.blueprint, self.tasks[:, members[0]], len(members))
        whole = len(members) == self.batch == instance.lanes
        return Group(instance, members, None if whole else members, None if whole else np.arange(len(members)))

    def reset(self, observation: np.ndarray) -> None:
        values = self.blueprint.variation.values
        for group in self.groups:
            spare = group.instance.lanes - len(group.members)  # lanes that nobody looks at do as the last one does
            members = np.append(group.members, [group.members[-1]] * spare).astype(int)
            first = group.instance.reset(self.seeds[members].tolist(), [values(self.tasks[:, b]) for b in members])
            self._write("reset", group, first, observation)

    def step(self, actions: np.ndarray, observation: np.ndarray) -> None:
        lost: np.ndarray | None = None
        total = np.add.reduce(actions, axis=None)
        if total != total:  # a quick look: some are no numbers, or infinite
            lost = np.isnan(actions).any(axis=0)
            actions = np.where(lost, 0.0, actions)
        whole = self.groups[0].present is None
        earned = np.empty(0) if whole else np.zeros(len(self.columns))
        ended = np.empty(0, bool) if whole else np.zeros(len(self.columns), dtype=bool)
        for group in self.groups:
            if group.present is None:
                following, earned, ended = group.instance.step(self._moves(group, actions, lost))
            elif self.running[group.present].any():
                following, rewards, over = group.instance.step(self._moves(group, self._laid_out(group, actions), lost))
                earned[group.present], ended[group.present] = rewards[group.lanes], over[group.lanes]
            else:
                continue
            self._write("step", group, following, observation)
            self._note(group)
        if lost is not None:
            earned, ended = np.where(lost, np.nan, earned), ended | lost
            observation[:, lost] = np.nan
        self.record(self.earned, earned)
        self.finish_step(ended if ended.any() else None)

    def _note(self, group: Group) -> None:
        """Keep what a step has said of episodes that go on: of their success, and that it has cut one short."""
        success, truncated = group.instance.success, group.instance.truncated
        cut = not self.blueprint.cut_after and self.steps + 1 < len(self.over) and truncated.any()
        if success is None and not cut:
            return
        present = np.arange(len(self.columns)) if group.present is None else group.present
        lanes, going = slice(None) if group.lanes is None else group.lanes, self.running[present]
        if cut and truncated[lanes][going].any():
            self.blueprint.cut_after = self.steps + 1
        if success is not None:
            columns = self.columns[present[going]]
            self.successes[columns] = np.fmax(self.successes[columns], success[lanes][going])

    def narrow(self, kept: np.ndarray) -> None:
        where = np.full(self.batch, -1)
        super().narrow(kept)
        where[self.columns] = np.arange(len(self.columns))
        for group in self.groups:
            group.lanes = np.flatnonzero(where[group.members] >= 0)
            group.present = where[group.members[group.lanes]]

    def rewards(self, observations: np.ndarray, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        done = slice(0, len(observations) - 1)
        return self.earned[done], self.over[done]

    def frame(self, column: int) -> np.ndarray:
        """A picture (height, width, 3) of an episode, as the environment draws it; FamilyError if it does not."""
        group = next(each for each in self.groups if column in each.members)
        lane = int(np.flatnonzero(group.members == column)[0])
        try:
            pictures: Any = group.instance.env.render()
        except NotImplementedError:  # what Gymnasium's base class does
            pictures = None
        if pictures is None or len(pictures) != group.instance.lanes or pictures[lane] is None:
            raise FamilyError(
                f"task.options.environment = {show(self.blueprint.environment)} draws nothing; a method render() that "
                'gives a picture for each lane is wanted, and task.options.arguments.render_mode = "rgb_array" if it '
                "has that mode."
            )
        return np.asarray(pictures[lane])

    def _laid_out(self, group: Group, actions: np.ndarray) -> np.ndarray:
        """Outputs (m, lanes) with those (m, b) of the present episodes where these are, 0 elsewhere."""
        outputs = np.zeros((len(actions), group.instance.lanes))
        outputs[:, group.lanes] = actions[:, group.present]
        return outputs

    def _moves(self, group: Group, outputs: np.ndarray, lost: np.ndarray | None) -> Any:
        """Actions as the vector environment takes them. Misfit where an episode that goes on has no choice left."""
        converter, masks = group.instance.actions, group.instance.masks
        if masks is not None:
            present = slice(None) if group.present is None else group.present
            acting = self.running[present] if lost is None else (self.running & ~lost)[present]
            for lane in np.flatnonzero(acting) if group.lanes is None else group.lanes[acting]:
                converter.check(masks[:, lane])
            outputs = masked(outputs, masks)
        return converter.batch(outputs)

    def _write(self, method: str, group: Group, observations: Any, out: np.ndarray) -> None:
        if group.present is None:
            group.instance.write(method, observations, out)
            return
        every = np.empty((len(out), group.instance.lanes))
        group.instance.write(method, observations, every)
        out[:, group.present] = every[:, group.lanes]

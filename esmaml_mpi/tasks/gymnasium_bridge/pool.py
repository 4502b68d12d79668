"""Instances that are kept for the next episodes, and how many there may be at once."""

import os
import threading
import weakref
from collections.abc import Iterator

import numpy as np

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.tasks.ending import EndingEpisodes
from esmaml_mpi.tasks.gymnasium_bridge.blueprint import Blueprint
from esmaml_mpi.tasks.gymnasium_bridge.instance import AnyInstance
from esmaml_mpi.tasks.gymnasium_bridge.per_workspace import PerWorkspace

MOST_IDLE = 256  # instances kept for tasks that have none running

Kind = tuple[Blueprint, bytes]


class Loan:
    """An instance in the hands of one episode of a simulation."""

    def __init__(self, kind: Kind, instance: AnyInstance, simulation: EndingEpisodes, column: int) -> None:
        self.kind, self.instance, self.column = kind, instance, column
        self._simulation = weakref.ref(simulation)

    @property
    def under_way(self) -> bool:
        """Whether its episode may still be stepped."""
        simulation = self._simulation()
        if simulation is None or self.instance.broken:
            return False
        present = np.flatnonzero(simulation.columns == self.column)
        return bool(simulation.steps < len(simulation.over) and simulation.running[present].any())


class Pool:
    """A workspace's instances: lent to its last simulation, until the next one takes them back."""

    def __init__(self) -> None:
        self.idle: dict[Kind, list[AnyInstance]] = {}  # the one used last comes last
        self.lent: list[Loan] = []
        self.owner = (0, 0)  # process and thread that used it last

    def take(self, blueprint: Blueprint, tasks: np.ndarray, simulation: EndingEpisodes) -> dict[int, AnyInstance]:
        """An instance for each episode of ``simulation`` that runs, whose tasks are (p, B), by its column.

        FamilyError if there would be more than task.options.instances.
        """
        self.owner = (os.getpid(), threading.get_ident())
        self.take_back()
        columns = simulation.columns[simulation.running].tolist()
        if blueprint.most and len(columns) > blueprint.most:
            raise FamilyError(
                f"task.options.instances = {blueprint.most}: {len(columns)} episodes were to run side by side."
            )
        taken = {}
        for column in columns:
            kind = blueprint, blueprint.kind(tasks[:, column])
            kept = self.idle.get(kind)
            instance = kept.pop() if kept else self._made(blueprint, tasks[:, column])
            self.lent.append(Loan(kind, instance, simulation, column))
            taken[column] = instance
        self.close_all_but(MOST_IDLE)
        return taken

    def close(self) -> None:
        """Close all instances."""
        self.take_back()
        self.close_all_but(0)

    def take_back(self) -> None:
        """Instances whose episodes are over, or will not go on."""
        self._return(self.lent)

    def take_back_ended(self) -> None:
        """Instances whose episodes are over."""
        self._return([loan for loan in self.lent if not loan.under_way])

    def close_all_but(self, most: int) -> None:
        """Keep so many idle ones."""
        count = self.count_idle
        for kind in list(self.idle):
            kept = self.idle[kind]
            while kept and count > most:
                kept.pop(0).close()
                count -= 1
            if not kept:
                del self.idle[kind]

    @property
    def count_idle(self) -> int:
        """How many are not lent."""
        return sum(map(len, self.idle.values()))

    def _return(self, loans: list[Loan]) -> None:
        self.lent = [loan for loan in self.lent if loan not in loans]
        for loan in loans:
            if loan.instance.broken:
                loan.instance.close()
                continue
            self.idle[loan.kind] = kept = self.idle.pop(loan.kind, [])
            kept.append(loan.instance)

    def _made(self, blueprint: Blueprint, parameters: np.ndarray) -> AnyInstance:
        """A new instance, for which others make room where only so many may exist."""
        if blueprint.most:
            self._make_room(blueprint.most)
        try:
            return blueprint.instance(parameters)
        except FamilyError as error:
            others = len(self.lent) + self.count_idle
            if not others or blueprint.isolated:
                raise
            raise FamilyError(
                f"{str(error).rstrip('.')}. That was instance number {others + 1} of this process: if the simulator "
                "allows fewer at a time, set task.options.instances, to 1 for one episode after the other."
            ) from error

    def _make_room(self, most: int) -> None:
        """Close idle instances of this thread until one more is allowed; FamilyError if all are under way."""
        pools = list(_pools_of(self.owner))
        for pool in pools:
            if pool is not self:
                pool.take_back_ended()
        lent = sum(len(pool.lent) for pool in pools)
        if lent >= most:
            raise FamilyError(
                f"task.options.instances = {most}: as many episodes are under way in this process already."
            )
        spare = most - lent - 1
        for pool in [*(pool for pool in pools if pool is not self), self]:
            pool.close_all_but(min(spare, pool.count_idle))
            spare -= pool.count_idle


_pools = PerWorkspace(Pool)
pool_of = _pools.of


def _pools_of(owner: tuple[int, int]) -> Iterator[Pool]:
    return (pool for pool in _pools.all() if pool.owner == owner)

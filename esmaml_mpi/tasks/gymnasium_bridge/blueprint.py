"""What instances of an environment are made from, and what a first one says of all: sizes, step limit, mistakes."""

import json
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.gymnasium_bridge.instance import AnyInstance, Instance
from esmaml_mpi.tasks.gymnasium_bridge.source import find, make, source_of
from esmaml_mpi.tasks.gymnasium_bridge.spaces import converters
from esmaml_mpi.tasks.gymnasium_bridge.variation import Variation
from esmaml_mpi.tasks.gymnasium_bridge.vector_blueprint import VectorBlueprint, makes_vectors

MOST_TRIED = 20  # listed tasks that are constructed beforehand, as some environments take a second
MOST_TRIED_APART = 4  # where each of them is a process


@dataclass(frozen=True)
class Keeping:
    """How instances are kept: at most ``most`` at once, 0 for any number; each in a process of its own if ``isolated``.

    Observations beyond +-``clip`` are clipped, if that is not 0.
    """

    most: int = 0
    isolated: bool = False
    clip: float = 0.0


class Blueprint:
    """Makes instances, all like the first one, ``sample``; ``step_limit`` may be None.

    ``own_limit``: steps after which instances cut their episodes short themselves, None where that is not known;
    ``cut_after``: after how many one has done so before the horizon, 0 if none has.
    """

    def __init__(
        self, environment: str, arguments: dict, vary: dict, vary_as: str, scale: bool, keeping: Keeping = Keeping()
    ):
        """UserError if there is no such environment, or if it does not take what it is given."""
        self.environment, self.arguments, self.vary_as, self.scale = environment, arguments, vary_as, scale
        self.keeping, self.cut_after = keeping, 0
        self.variation = Variation.parse(vary)
        self.creator, registered = find(environment, arguments)
        self._sample: AnyInstance | None = None
        most = MOST_TRIED_APART if keeping.isolated else MOST_TRIED
        tried = min(self.variation.count or 1, most) if vary_as == "constructor" else 1
        for number in range(tried):
            instance = self.instance(self.variation.first(number))
            try:
                if self._sample is None:
                    self._sample = instance
                    self._check_values(instance)
                    self.own_limit = instance.own_limit
                    self.step_limit = registered or self.own_limit
            finally:
                instance.close()

    @property
    def most(self) -> int:
        """How many instances there may be at once in a thread of a process; 0: any number."""
        return self.keeping.most

    @property
    def isolated(self) -> bool:
        """Whether each instance is in a process of its own."""
        return self.keeping.isolated

    @property
    def sample(self) -> AnyInstance:
        """The first instance, which is closed."""
        assert self._sample is not None
        return self._sample

    def instance(self, parameters: np.ndarray) -> AnyInstance:
        """An instance for a task with these parameters (p,); for all tasks, unless they differ in its construction."""
        values = self.variation.values(parameters) if self.vary_as == "constructor" else {}
        made = self._apart(values) if self.isolated else self._here(values)
        if self._sample is not None:
            self._check_sizes(made, parameters)
            if made.actions.description == self._sample.actions.description:
                made.actions = self._sample.actions  # so that a batch can be converted in one go
        return made

    def _here(self, values: dict) -> AnyInstance:
        env = make(self.creator, values, self.environment)
        observations, actions = converters(env, self.scale, self.environment)
        return Instance(env, observations, actions, self.vary_as, self.keeping.clip)

    def _apart(self, values: dict) -> AnyInstance:
        from esmaml_mpi.tasks.gymnasium_bridge.isolated import IsolatedInstance  # which most have no use for

        return IsolatedInstance(
            dict(
                environment=self.environment,
                arguments=self.arguments,
                values=values,
                vary_as=self.vary_as,
                scale=self.scale,
                clip=self.keeping.clip,
            )
        )

    def kind(self, parameters: np.ndarray) -> bytes:
        """Tasks of the same kind can use the same instances."""
        return parameters.tobytes() if self.vary_as == "constructor" and self.variation.names else b""

    def _check_values(self, instance: AnyInstance) -> None:
        if self.vary_as == "attribute":
            self.variation = self.variation.filling(instance.shape_of)
            for number in range(min(self.variation.count or 1, MOST_TRIED)):
                instance.set_attributes(self.variation.values(self.variation.first(number)))
        if self.vary_as == "reset" and self.variation.names and not instance.reset_takes_options:
            raise FamilyError(
                f"task.options.vary_as = 'reset': reset() of {self.environment} takes no options; constructor or "
                "attribute is wanted."
            )

    def _check_sizes(self, made: AnyInstance, parameters: np.ndarray) -> None:
        found, wanted = ((one.observations.size, one.actions.size) for one in (made, self.sample))
        if found != wanted:
            made.close()
        if found != wanted:
            raise FamilyError(
                f"task.options.environment = {show(self.environment)}: task {int(parameters[0])} has {found[0]} "
                f"observations and {found[1]} actions, the first one {wanted[0]} and {wanted[1]}; tasks of one family "
                "share a policy."
            )


def blueprint(
    environment: str, arguments: dict, vary: dict, vary_as: str, scale: bool, keeping: Keeping = Keeping()
) -> Blueprint | VectorBlueprint:
    """What makes instances, or vector environments: the same object for the same settings, as families are made several
    times in a run.

    Another one where the name stands for another class by now, as after a notebook's cell was run again.
    """
    made_by = source_of(find(environment, arguments)[0])
    constant, varying = (json.dumps(table, sort_keys=True) for table in (arguments, vary))
    return _cached(environment, constant, varying, vary_as, scale, keeping, made_by)


@lru_cache(maxsize=16)
def _cached(
    environment: str, arguments: str, vary: str, vary_as: str, scale: bool, keeping: Keeping, made_by: Hashable
) -> Blueprint | VectorBlueprint:
    constant, varying = json.loads(arguments), json.loads(vary)
    creator, registered = find(environment, constant)
    variation = Variation.parse(varying)
    given = variation.values(variation.first(0)) if vary_as == "constructor" else {}
    takes_lanes = None if keeping.isolated else makes_vectors(creator, given, environment)
    if takes_lanes is None:
        return Blueprint(environment, constant, varying, vary_as, scale, keeping)
    return VectorBlueprint(environment, creator, registered, variation, vary_as, scale, takes_lanes, keeping.clip)

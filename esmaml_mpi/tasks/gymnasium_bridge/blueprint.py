"""What instances of an environment are made from, and what a first one says of all: sizes, step limit, mistakes."""

import functools
import json
from collections.abc import Hashable

import numpy as np

from esmaml_mpi.errors import FamilyError
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.gymnasium_bridge.instance import Instance, set_attribute
from esmaml_mpi.tasks.gymnasium_bridge.source import find, make, own_limit, source_of
from esmaml_mpi.tasks.gymnasium_bridge.spaces import converters
from esmaml_mpi.tasks.gymnasium_bridge.variation import Variation

MOST_TRIED = 20  # listed tasks that are constructed beforehand, as some environments take a second


class Blueprint:
    """Makes instances, all like the first one, ``sample``; ``step_limit`` may be None."""

    def __init__(self, environment: str, arguments: dict, vary: dict, vary_as: str, scale: bool):
        """UserError if there is no such environment, or if it does not take what it is given."""
        self.environment, self.vary_as, self.scale = environment, vary_as, scale
        self.variation = Variation.parse(vary)
        self.creator, registered = find(environment, arguments)
        self._sample: Instance | None = None
        tried = min(self.variation.count or 1, MOST_TRIED) if vary_as == "constructor" else 1
        for number in range(tried):
            instance = self.instance(self.variation.first(number))
            if self._sample is None:
                self._sample = instance
                self._check_values(instance)
                self.step_limit = registered or own_limit(instance.env)
            instance.close()

    @property
    def sample(self) -> Instance:
        """The first instance, which is closed."""
        assert self._sample is not None
        return self._sample

    def instance(self, parameters: np.ndarray) -> Instance:
        """An instance for a task with these parameters (p,); for all tasks, unless they differ in its construction."""
        values = self.variation.values(parameters) if self.vary_as == "constructor" else {}
        env = make(self.creator, values, self.environment)
        observations, actions = converters(env, self.scale, self.environment)
        if self._sample is not None:
            self._check_sizes(observations.size, actions.size, parameters)
            if actions.space == self._sample.actions.space:
                actions = self._sample.actions  # so that a batch can be converted in one go
        return Instance(env, observations, actions, self.vary_as)

    def kind(self, parameters: np.ndarray) -> bytes:
        """Tasks of the same kind can use the same instances."""
        return parameters.tobytes() if self.vary_as == "constructor" and self.variation.names else b""

    def _check_values(self, instance: Instance) -> None:
        values = self.variation.values(self.variation.first(0))
        if self.vary_as == "attribute":
            for name, value in values.items():
                set_attribute(instance.core, name, value)
        if self.vary_as == "reset" and values and not instance.reset_takes_options:
            raise FamilyError(
                f"task.options.vary_as = 'reset': reset() of {self.environment} takes no options; constructor or "
                "attribute is wanted."
            )

    def _check_sizes(self, observation_size: int, action_size: int, parameters: np.ndarray) -> None:
        found, wanted = (
            (observation_size, action_size),
            (self.sample.observations.size, self.sample.actions.size),
        )
        if found != wanted:
            raise FamilyError(
                f"task.options.environment = {show(self.environment)}: task {int(parameters[0])} has {found[0]} "
                f"observations and {found[1]} actions, the first one {wanted[0]} and {wanted[1]}; tasks of one family "
                "share a policy."
            )


def blueprint(environment: str, arguments: dict, vary: dict, vary_as: str, scale: bool) -> Blueprint:
    """A Blueprint, the same object for the same settings: families are made several times in a run.

    Another one where the name stands for another class by now, as after a notebook's cell was run again.
    """
    made_by = source_of(find(environment, arguments)[0])
    constant, varying = (json.dumps(table, sort_keys=True) for table in (arguments, vary))
    return _cached(environment, constant, varying, vary_as, scale, made_by)


@functools.lru_cache(maxsize=16)
def _cached(environment: str, arguments: str, vary: str, vary_as: str, scale: bool, made_by: Hashable) -> Blueprint:
    return Blueprint(environment, json.loads(arguments), json.loads(vary), vary_as, scale)

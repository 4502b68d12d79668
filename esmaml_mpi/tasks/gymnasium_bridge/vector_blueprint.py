"""What vector environments are made from, and what a first one says of all."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np

from esmaml_mpi.errors import FamilyError, in_words
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.gymnasium_bridge.source import close, make
from esmaml_mpi.tasks.gymnasium_bridge.spaces import converters
from esmaml_mpi.tasks.gymnasium_bridge.variation import Variation
from esmaml_mpi.tasks.gymnasium_bridge.vector_instance import OF_ENVIRONMENTS, VectorInstance, is_vector

FIRST_LANES = 3  # of the first one, where that may be chosen
MOST_TRIED = 20  # listed tasks that are constructed beforehand
LANES = "num_envs"


class VectorBlueprint:
    """Makes vector environments, all like the first one, ``sample``; ``step_limit`` may be None.

    ``own_limit`` and ``cut_after`` as ``Blueprint`` has them. ``fixed_lanes``: how many episodes each one has, None
    where that can be chosen. ``alike``: all lanes of one are of the same task.
    """

    def __init__(
        self,
        environment: str,
        creator: partial,
        registered: int | None,
        variation: Variation,
        vary_as: str,
        scale: bool,
        takes_lanes: bool,
        clip: float = 0.0,
    ):
        """``takes_lanes``: its number of lanes is an argument; observations beyond +-``clip`` are clipped, if that is
        not 0. UserError if it does not take what it is given.
        """
        self.environment, self.creator, self.variation = environment, creator, variation
        self.vary_as, self.scale, self._takes_lanes, self._clip = vary_as, scale, takes_lanes, clip
        self._listed, self._refusal = True, ""
        self.sample: VectorInstance = self._made(self.variation.first(0), FIRST_LANES)
        self.fixed_lanes = None if takes_lanes else self.sample.lanes
        whole = isinstance(self.sample.core, OF_ENVIRONMENTS)
        self.alike = bool(variation.names) and (vary_as == "constructor" or (vary_as == "reset" and whole))
        if vary_as == "attribute":
            self.variation = variation.filling(self.sample.shape_of)
            values = self.variation.values(self.variation.first(0))
            self.sample.set_attributes([values] * self.sample.lanes)
        if vary_as == "constructor":
            for number in range(1, min(variation.count or 1, MOST_TRIED)):
                self._made(variation.first(number), FIRST_LANES).close()
        self.own_limit = self.sample.own_limit
        self.step_limit = registered or self.own_limit
        self.cut_after = 0
        self._try_seeds()
        self.sample.close()

    @property
    def batch_limit(self) -> int:
        """The most episodes worth stepping together."""
        return 512 if self.fixed_lanes is None else max(self.fixed_lanes, 64)

    def check_seeds(self) -> None:
        """Raise FamilyError unless each episode can be given a seed of its own."""
        if not self._listed:
            raise FamilyError(
                f"task.options.environment = {show(self.environment)}: reset(seed=[0, 1, ..]) of the vector "
                f"environment {self.sample.name} raised {self._refusal}. A seed for each episode is wanted, with a "
                "generator for each, so that results do not depend on which are simulated together. If it draws "
                "nothing at random, set task.options.fixed_seed = 0."
            )

    def instance(self, parameters: np.ndarray, lanes: int) -> VectorInstance:
        """One of so many lanes, if that can be chosen, for the task with these parameters, or for all."""
        return self._made(parameters, lanes)

    def kind(self, parameters: np.ndarray) -> bytes:
        """Tasks of the same kind can be lanes of one vector environment."""
        return parameters.tobytes() if self.alike else b""

    def _made(self, parameters: np.ndarray, lanes: int) -> VectorInstance:
        values: dict[str, Any] = self.variation.values(parameters) if self.vary_as == "constructor" else {}
        if self._takes_lanes:
            values[LANES] = lanes
        env = make(self.creator, values, self.environment)
        try:
            observations, actions = converters(_Single(env), self.scale, self.environment)
        except BaseException:
            close(env)
            raise
        found = VectorInstance(env, observations, actions, self.vary_as, self._listed, self._clip)
        if self._takes_lanes and found.lanes != lanes:
            close(env)
            raise FamilyError(
                f"task.options.environment = {show(self.environment)}: with num_envs = {lanes} it has num_envs = "
                f"{found.lanes}."
            )
        if hasattr(self, "sample") and (observations.size, actions.size) != (
            self.sample.observations.size,
            self.sample.actions.size,
        ):
            close(env)
            raise FamilyError(
                f"task.options.environment = {show(self.environment)}: task {int(parameters[0])} has "
                f"{observations.size} observations and {actions.size} actions, the first one "
                f"{self.sample.observations.size} and {self.sample.actions.size}; tasks of one family share a policy."
            )
        return found

    def _try_seeds(self) -> None:
        """Find out whether lanes are reset with a seed each."""
        sample, values = self.sample, self.variation.values(self.variation.first(0))
        attempt: Callable[[], Any] = partial(sample.reset, range(sample.lanes), [values] * sample.lanes)
        try:
            attempt()
        except Exception as error:
            self._refusal = in_words(error)
            sample._listed = False
            try:
                attempt()
            except Exception:  # it is not the list: rehearsed as any episode
                sample._listed = True
            else:
                self._listed = False


class _Single:
    """The spaces of one lane, by the names that single environments have for them."""

    def __init__(self, env: Any) -> None:
        self.observation_space, self.action_space = env.single_observation_space, env.single_action_space


def makes_vectors(creator: partial, given: dict, environment: str) -> bool | None:
    """Whether what it makes are vector environments, and if so, whether it takes their number of lanes.

    None: they are single ones. ``given`` are further arguments. What a function makes is seen when it is called.
    """
    if creator.args:  # Gymnasium's registry makes single ones
        return None
    by_name, by_any = _takes_lanes(creator.func)
    chosen = LANES not in creator.keywords
    if isinstance(creator.func, type):
        is_one = issubclass(creator.func, gymnasium.vector.VectorEnv) or by_name
        return (by_name or by_any) and chosen if is_one else None
    env = make(creator, {**given, LANES: FIRST_LANES} if by_name and chosen else given, environment)
    close(env)
    if not is_vector(env):
        return None
    return (by_name or by_any) and chosen


def _takes_lanes(source: Callable) -> tuple[bool, bool]:
    """Whether a number of lanes is an argument by its name, or can be given as any other may."""
    try:
        parameters = inspect.signature(source).parameters
    except (TypeError, ValueError):  # compiled code need not say
        return False, True
    return LANES in parameters, any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())

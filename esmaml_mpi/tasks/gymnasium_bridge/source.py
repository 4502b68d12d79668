"""Where an environment comes from: Gymnasium's registry, or a class or function that is imported."""

import contextlib
import copy
import dataclasses
import difflib
import sys
from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from operator import attrgetter
from types import ModuleType
from typing import Any

import gymnasium

from esmaml_mpi.errors import ConfigError, FamilyError, in_words
from esmaml_mpi.settings import modules, naming
from esmaml_mpi.settings.fields import show
from esmaml_mpi.tasks.gymnasium_bridge import env_pool

MOST_SAID = 200  # characters of Gymnasium's own message, which repeats the id
LIMIT = "max_episode_steps"  # an argument of gymnasium.make, not of the environment


def find(environment: str, arguments: Mapping) -> tuple[partial, int | None]:
    """What makes instances, called with further constructor arguments, and the step limit if its registration has one.

    ConfigError or FamilyError if there is nothing of this name.
    """
    key = f"task.options.environment = {show(environment)}"
    module, colon, name = environment.partition(":")
    if module == env_pool.MODULE:
        env_pool.check_id(name, key)
        return partial(env_pool.EnvPool, task_id=name, **arguments), None
    if colon:
        naming.check_asked(environment, "task.options.environment")
    imported = _imported(module, key) if colon else None
    if not colon:
        name = environment
    if colon and name not in gymnasium.registry:
        try:
            return partial(attrgetter(name)(imported), **arguments), None
        except (AttributeError, TypeError) as error:
            names = [each for each in dir(imported) if callable(getattr(imported, each, None))]
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {module}:{near[0]}?" if near else ""
            raise ConfigError(
                f"{key}: module {module!r} has no class or function {name!r}, and no environment of this id is "
                f"registered.{hint}"
            ) from error
    try:
        spec = gymnasium.spec(name)
    except gymnasium.error.Error as error:
        raise ConfigError(
            f"{key}: {in_words(error)[:MOST_SAID].rstrip('.')}. A registered id, MODULE:ID, or an entry point "
            "MODULE:NAME is wanted."
        ) from error
    limit = arguments.get(LIMIT, spec.max_episode_steps)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ConfigError(f"task.options.arguments.{LIMIT} = {show(limit)}: an integer >= 1 is wanted.")
    # The horizon is ours to count, and wrappers that only check cost as much as a step of a small environment.
    bare = dataclasses.replace(spec, max_episode_steps=None, order_enforce=False, disable_env_checker=True)
    others = {name: value for name, value in arguments.items() if name != LIMIT}
    return partial(gymnasium.make, bare, **others), limit


def source_of(creator: partial) -> Hashable:
    """The class or function itself, or what Gymnasium's registry has: a class, or the text that it imports."""
    source = creator.args[0].entry_point if creator.args else creator.func
    return source if isinstance(source, Hashable) else id(source)


def make(creator: partial, arguments: Mapping, environment: str) -> Any:
    """An instance, or a FamilyError that says why there is none."""
    given = {**creator.keywords, **arguments}
    try:
        with _mujoco_kept_quiet(creator, environment):
            env = creator.func(*creator.args, **copy.deepcopy(given))  # it may change what it is given
    except (Exception, SystemExit) as error:
        raise FamilyError(
            f"task.options.environment = {show(environment)} cannot be made with the arguments {show(given)} of "
            f"task.options.arguments and task.options.vary: {in_words(error)}."
        ) from error
    for attribute in ("reset", "step", "observation_space", "action_space"):
        if not hasattr(env, attribute):
            raise FamilyError(
                f"task.options.environment = {show(environment)}: {type(env).__name__} has no {attribute!r}; an "
                "environment is wanted."
            )
    return env


def _mujoco_kept_quiet(creator: partial, environment: str) -> AbstractContextManager[None]:
    """Where an environment uses MuJoCo, keep its warnings, which it would print and write to a file, for rank 0."""
    if creator.args:  # made by Gymnasium, which imports what it needs only now
        with contextlib.suppress(Exception):  # what is wrong with it will be seen when it is made
            gymnasium.envs.registration.load_env_creator(creator.args[0].entry_point)
    if "mujoco" not in sys.modules:
        return contextlib.nullcontext()
    try:
        from esmaml_mpi.tasks.locomotion import models
    except FamilyError:  # the environment's MuJoCo is older than the one that our own families take
        return contextlib.nullcontext()
    return models.listening(environment)


def close(env: Any) -> None:
    """Close an instance that is not needed any more; what it says to that changes nothing."""
    with contextlib.suppress(Exception, SystemExit):
        env.close()


def layers(env: Any) -> list[Any]:
    """The environment and what it wraps, outermost first; only wrappers hand everything on to their ``env``."""
    found = [env]
    while any(base.__name__ == "Wrapper" for base in type(found[-1]).__mro__) and hasattr(found[-1], "env"):
        found.append(found[-1].env)
    return found


def own_limit(env: Any) -> int | None:
    """The step limit an instance itself has, as those of a function that calls ``make`` or wraps in a TimeLimit do."""
    found = [getattr(getattr(env, "spec", None), LIMIT, None)]
    found += [getattr(layer, f"_{LIMIT}", None) for layer in layers(env) if type(layer).__name__ == "TimeLimit"]
    return min((limit for limit in found if isinstance(limit, int) and limit > 0), default=None)


def _imported(module: str, key: str) -> ModuleType:
    try:
        return modules.module(module)
    except (Exception, SystemExit) as error:  # whatever a user's module does when it is imported
        raise FamilyError(f"{key}: module {module!r} cannot be imported: {in_words(error)}.") from error

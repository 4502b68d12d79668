"""Whether a task family is what ``family.py`` says, found out before a run starts (see ``rehearsal.py``) and once a
simulated block.

What is wrong with every episode is a FamilyError: it ends the run with a message. An exception or a number that is not
finite may be one episode's own; it fails that evaluation (see ``rollouts/evaluator.py``).
"""

import dataclasses
import inspect
from collections.abc import Callable, Sequence

import numpy as np

from esmaml_mpi.errors import FamilyError, UserError, in_words
from esmaml_mpi.tasks.family import TaskFamily

# Sizes and the least they may be; None is allowed for the number of tasks.
SIZES = {
    "observation_size": 1,
    "action_size": 1,
    "horizon": 1,
    "default_horizon": 1,
    "noise_size": 0,
    "batch_limit": 1,
    "task_count": 1,
}


def check_class(name: str, cls: type) -> None:
    """Raise FamilyError unless a registered class can be made into a family."""
    if not inspect.isclass(cls) or not dataclasses.is_dataclass(cls):
        raise FamilyError(f"task family {name!r}: a dataclass is wanted, not {cls!r}.")
    for attribute in ("default_horizon", "presets"):
        if not hasattr(cls, attribute):
            raise FamilyError(f"task family {name!r}: its class {cls.__name__} has no attribute {attribute!r}.")


def check_attributes(name: str, family: TaskFamily) -> None:
    """Raise FamilyError unless a family has all sizes and methods."""
    for attribute in ("name", *SIZES, "task_parameters", "simulation"):
        if not hasattr(family, attribute):
            raise FamilyError(
                f"task family {name!r}: its class {type(family).__name__} has no attribute {attribute!r}."
            )
    for attribute, least in SIZES.items():
        value = getattr(family, attribute)
        if attribute == "task_count" and value is None:
            continue
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
            raise FamilyError(f"task family {name!r}: {attribute} = {value!r}; an integer >= {least} is wanted.")
    if family.noise_size and not hasattr(family, "draw_noise"):
        raise FamilyError(f"task family {name!r}: noise_size = {family.noise_size}, but it has no method draw_noise.")


def checked_size(family: TaskFamily, observation_size: int) -> None:
    """Raise FamilyError if a family has changed the size of its observations since its policy was made."""
    if family.observation_size != observation_size:
        raise FamilyError(
            f"task family {family.name!r}: observation_size was {observation_size} and is now "
            f"{family.observation_size}; it must not change."
        )


def checked_rewards(
    family: TaskFamily, outcome: object, steps: int, batch: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """What ``Simulation.rewards`` gave, as rewards (steps, batch) float64 that may be written to, and ends or None."""
    if not isinstance(outcome, tuple) or len(outcome) != 2:
        raise FamilyError(
            f"task family {family.name!r}: rewards() gave {_kind(outcome)}; a pair (rewards, over) is wanted."
        )
    rewards, over = outcome
    shape, meaning = (steps, batch), "(steps, episodes) = "
    rewards = _numbers(family, "rewards() gave rewards", rewards, shape, "biuf", meaning)
    if over is not None:
        over = _numbers(family, "rewards() gave ends", over, shape, "b", meaning)
    rewards = rewards.astype(np.float64, copy=False)
    return rewards if rewards.flags.writeable else rewards.copy(), over


def checked_successes(family: TaskFamily, simulation: object, batch: int) -> np.ndarray | None:
    """What a simulation has as ``successes`` (batch,) float64; None if the family reports none."""
    if not getattr(family, "reports_success", False):
        return None
    found = getattr(simulation, "successes", None)
    values = _numbers(family, "its simulation has successes", found, (batch,), "biuf", "(episodes,) = ")
    return values.astype(np.float64)


def checked_noise(family: TaskFamily, noise: object, episodes: int) -> np.ndarray:
    """What ``draw_noise`` gave."""
    shape = (family.noise_size, episodes)
    return _numbers(family, "draw_noise() gave noise", noise, shape, "biuf", "(noise_size, episodes) = ")


def task_table(
    family: TaskFamily, ids: Sequence[int], generator_of: Callable[[int], np.random.Generator]
) -> np.ndarray:
    """Parameters (p, tasks) of the tasks ``ids``; ``generator_of(id)`` is a task's own stream."""
    rows: list[np.ndarray] = []
    for i in ids:
        try:
            row = family.task_parameters(i, generator_of(i))
        except UserError:
            raise
        except Exception as error:
            raise FamilyError(f"task family {family.name!r}: task_parameters({i}) raised {in_words(error)}.") from error
        shape = rows[0].shape if rows else None
        row = _numbers(family, f"task_parameters({i}) gave parameters", row, shape, "biuf", f"as for task {ids[0]} ")
        if row.ndim != 1:
            raise FamilyError(
                f"task family {family.name!r}: task_parameters({i}) gave parameters of shape {row.shape}; one "
                "dimension is wanted."
            )
        rows.append(row)
    return np.stack(rows, axis=1)


def best_return(family: TaskFamily, table: np.ndarray) -> float | None:
    """Mean over the tasks of ``table`` (p, tasks) of the highest total reward there is; None if one is not known."""
    known = getattr(family, "best_return", None)
    if known is None:
        return None
    total = 0.0
    for task in table.T:
        try:
            best = known(task)
            if best is None:
                return None
            total += float(best)
        except Exception as error:
            raise FamilyError(f"task family {family.name!r}: best_return({task}) raised {in_words(error)}.") from error
    mean = total / table.shape[1]
    return mean if np.isfinite(mean) else None


def _numbers(
    family: TaskFamily, what: str, values: object, shape: tuple[int, ...] | None, kinds: str, meaning: str = ""
) -> np.ndarray:
    """``values`` as an array of one of these kinds of numbers, of this shape if one is given."""
    try:
        array = np.asarray(values)
    except Exception as error:  # lists of unequal length, or an array-like that raises
        raise FamilyError(f"task family {family.name!r}: {what} that are no array: {in_words(error)}.") from error
    if array.dtype.kind not in kinds:
        wanted = "real numbers" if "f" in kinds else "true or false"
        raise FamilyError(f"task family {family.name!r}: {what} of type {array.dtype}; {wanted} are wanted.")
    if shape is not None and array.shape != shape:
        raise FamilyError(f"task family {family.name!r}: {what} of shape {array.shape}; {meaning}{shape} is wanted.")
    return array


def _kind(value: object) -> str:
    return f"{len(value)} values" if isinstance(value, tuple) else f"a {type(value).__name__}"

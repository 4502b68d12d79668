"""Whether a task family is what ``family.py`` says, found out before a run starts and once a simulated block.

What is wrong with every episode is a FamilyError: it ends the run with a message. An exception or a number that is not
finite may be one episode's own; it fails that evaluation (see ``rollouts.py``).
"""

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Sequence

import numpy as np

from esmaml_mpi.errors import FamilyError, UserError, in_words, place
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.workspace import Workspace

EPISODES = 3  # of a rehearsal
STEPS = 3
ATTEMPTS = 3
FEWEST_TOGETHER = 4  # a block of one is simulated differently, and smaller limits would leave one over
# Sizes and the least they may be; None is allowed for the number of tasks.
SIZES = {
    "observation_size": 1,
    "action_size": 1,
    "horizon": 1,
    "default_horizon": 1,
    "noise_size": 0,
    "batch_limit": FEWEST_TOGETHER,
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


def rehearse(family: TaskFamily) -> bool:
    """Make two tasks and a few steps of a few episodes; FamilyError says what is wrong with them.

    Whether the same episodes came out the same when they were simulated again.
    """
    short = dataclasses.replace(family, horizon=min(family.horizon, STEPS))
    last: Exception | None = None
    for attempt in range(ATTEMPTS):
        generator = np.random.default_rng(attempt)  # numbers do not matter here, only shapes
        table = task_table(short, range(min(short.task_count or 2, 2)), _always(generator))
        tasks = np.repeat(table[:, :1], EPISODES, axis=1)
        tasks[:, -1] = table[:, -1]
        try:
            noise = None
            if short.noise_size:
                noise = checked_noise(short, short.draw_noise(generator, EPISODES), EPISODES)
            workspace = Workspace()
            with np.errstate(all="ignore"):
                first = _rehearse(short, tasks, noise, attempt, workspace)
        except UserError:
            raise
        except Exception as error:  # perhaps this episode's own: try others
            last = error
            continue
        with np.errstate(all="ignore"), contextlib.suppress(Exception):  # it raises now and then
            again = _rehearse(short, tasks, noise, attempt, workspace)
            return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again, strict=True))
        return True
    assert last is not None
    advice = getattr(family, "rehearsal_advice", None) or (
        f"Observations are written into arrays (observation_size, episodes) = ({family.observation_size}, {EPISODES}), "
        f"actions are (action_size, episodes) = ({family.action_size}, {EPISODES})."
    )
    raise FamilyError(
        f"task family {family.name!r}: no episode could be simulated: {in_words(last)}{place(last)}. {advice}"
    ) from last


def _always(generator: np.random.Generator) -> Callable[[int], np.random.Generator]:
    """The same generator for every task."""
    return lambda task_id: generator


def _rehearse(
    family: TaskFamily, tasks: np.ndarray, noise: np.ndarray | None, seed: int, workspace: Workspace
) -> tuple[np.ndarray, np.ndarray]:
    """Observations acted upon (steps, n, episodes) and rewards (steps, episodes), empty if these raise."""
    generator = np.random.default_rng(seed)
    observations = np.full((family.horizon + 1, family.observation_size, EPISODES), np.nan)
    simulation = family.simulation(tasks, noise, workspace)
    for method in ("reset", "step", "rewards", "running"):
        if not hasattr(simulation, method):
            raise FamilyError(
                f"task family {family.name!r}: its {type(simulation).__name__} has no {method!r}; tasks/family.py says "
                "what a simulation is."
            )
    simulation.reset(observations[0])
    done = 0
    for following in observations[1:]:
        simulation.step(generator.uniform(-0.1, 0.1, (family.action_size, EPISODES)), following)
        done += 1
        if simulation.running is not None and not simulation.running.all():
            break
    # The last one is not acted upon, and later ones may be those of episodes that have ended.
    acted_upon = observations[:done][:2]
    missing = np.flatnonzero(np.isnan(acted_upon).all(axis=2).any(axis=0)).tolist()
    if missing:
        raise FamilyError(
            f"task family {family.name!r}: rows {missing} of the observations were not written by reset() and step(), "
            f"or were nan in every episode; observation_size = {family.observation_size} rows of numbers are wanted."
        )
    try:
        outcome = simulation.rewards(observations[: done + 1], tasks)
    except Exception:  # counted where it happens: an episode may fail
        return observations[:done], np.empty(0)
    rewards, _ = checked_rewards(family, outcome, done, EPISODES)
    return observations[:done], rewards.copy()


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

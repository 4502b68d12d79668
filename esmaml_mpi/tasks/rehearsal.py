"""A few steps of a few episodes before a run: whether they can be made at all, and whether each is a matter of its own.

An episode is played alone, again, once more after another one, and beside others; it should come out the same.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import FamilyError, UserError, in_words, place
from esmaml_mpi.tasks.contract import best_return, checked_noise, checked_rewards, task_table
from esmaml_mpi.tasks.ending import start
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.shared_state import changed, shared_state
from esmaml_mpi.tasks.workspace import Workspace

EPISODES = 3
STEPS = 3  # in which an exception is that of every episode
LONGER = 10  # steps that are compared
ATTEMPTS = 3
LONE = 2  # columns of a lone episode, see rollouts/simulate.py
MOST_NAMED = 5

# Observations acted upon (steps, n, episodes), and rewards (steps, episodes), none where they could not be had.
Played = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Rehearsal:
    """Whether an episode came out the same when it was ``repeated``, ``after_another`` one, and ``beside_others``.

    ``shared``: names of what changed in the process meanwhile; ``advice``: what to do where others disturb it.
    """

    repeated: bool = True
    after_another: bool = True
    beside_others: bool = True
    shared: tuple[str, ...] = ()
    advice: str = ""

    def warnings(self, name: str) -> list[str]:
        """What has to be said before a run of the family of this name."""
        family = f"task family {name!r}"
        said = []
        if not self.repeated:
            said.append(
                f"{family}: the same episode came out otherwise when it was simulated again. It has randomness that "
                "its seed does not decide, or keeps something across resets: numbers cannot be repeated, and will "
                f"depend on the number of ranks.{self._meanwhile}"
            )
        elif not self.after_another:
            said.append(
                f"{family}: the same episode came out otherwise after another one: what that left behind is not set "
                "anew when an episode starts, and numbers will depend on the order of episodes, so on the number of "
                f"ranks.{self._meanwhile}"
            )
        if self.repeated and not self.beside_others:
            said.append(
                f"{family}: an episode came out otherwise beside others than alone: they share something, and numbers "
                f"will depend on the number of ranks.{self._meanwhile} {self.advice}"
            )
        return said

    @property
    def _meanwhile(self) -> str:
        if not self.shared:
            return ""
        named = ", ".join(self.shared[:MOST_NAMED]) + (", ..." if len(self.shared) > MOST_NAMED else "")
        return f" It changed {named}."


@dataclass(frozen=True)
class Cast:
    """Episodes: tasks (p, episodes), noise (noise_size, episodes) or None, actions (steps, m, episodes)."""

    tasks: np.ndarray
    noise: np.ndarray | None
    actions: np.ndarray

    def of(self, columns: list[int]) -> "Cast":
        """These episodes."""
        noise = None if self.noise is None else self.noise[:, columns]
        return Cast(self.tasks[:, columns], noise, self.actions[..., columns])


def rehearse(family: TaskFamily) -> Rehearsal:
    """Make two tasks and a few steps of a few episodes; FamilyError says what is wrong with them."""
    last: BaseException | None = None
    workspace = Workspace()
    together = min(EPISODES, getattr(family, "most_at_once", 0) or EPISODES)
    for attempt in range(ATTEMPTS):
        try:
            cast = _cast(family, attempt)
            best_return(family, cast.tasks)  # what is wrong with it is said now, not at the end of the run
            with np.errstate(all="ignore"):
                groups = [list(range(EPISODES))[first : first + together] for first in range(0, EPISODES, together)]
                _check_written(family, [_play(family, STEPS, cast.of(group), workspace) for group in groups])
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # perhaps this episode's own: try others
            last = error
            continue
        with np.errstate(all="ignore"):
            return _compared(family, cast, together, workspace)
    assert last is not None
    advice = getattr(family, "rehearsal_advice", None) or (
        f"Observations are written into arrays (observation_size, episodes) = ({family.observation_size}, {EPISODES}), "
        f"actions are (action_size, episodes) = ({family.action_size}, {EPISODES})."
    )
    raise FamilyError(
        f"task family {family.name!r}: no episode could be simulated: {in_words(last)}{place(last)}. {advice}"
    ) from last


def _compared(family: TaskFamily, cast: Cast, together: int, workspace: Workspace) -> Rehearsal:
    """An episode alone, again, after another one, and beside others: as many steps as can be had."""
    for steps in (LONGER, STEPS):
        try:
            code = getattr(family, "code", [type(family)])
            before = shared_state(code)
            # The first is one after another, and leaves behind what each later one of the same would.
            _, alone = (_play(family, steps, cast.of([0]), workspace) for _ in range(2))
            shared = tuple(changed(before, shared_state(code)))
            again, other, after = (_play(family, steps, cast.of([i]), workspace) for i in (0, 1, 0))
            beside = True
            if together > 1:
                all_of_them = _play(family, steps, cast.of(list(range(together))), workspace)
                beside = _same(alone, all_of_them, 0) and _same(other, all_of_them, 1)
            return Rehearsal(
                _same(alone, again, 0),
                _same(again, after, 0),
                beside,
                shared,
                getattr(family, "apart_advice", "What is computed for one column must not depend on the others."),
            )
        except UserError:
            raise
        except (Exception, SystemExit):  # it raises now and then
            continue
    return Rehearsal()


def _same(alone: Played, others: Played, column: int) -> bool:
    """Whether a lone episode is this one of several, which were all stopped when one of them had ended."""
    seen, earned = (a[..., 0] for a in alone)
    beside, paid = (a[..., column] for a in others)
    steps = min(len(seen), len(beside))
    paired = min(len(earned), len(paid)) if earned.size and paid.size else 0
    return np.array_equal(seen[:steps], beside[:steps], equal_nan=True) and np.array_equal(
        earned[:paired], paid[:paired], equal_nan=True
    )


def _cast(family: TaskFamily, seed: int) -> Cast:
    """Three episodes, two of them of one task. Numbers do not matter here, only shapes, and that they differ."""
    generator = np.random.default_rng(seed)
    table = task_table(family, range(min(family.task_count or 2, 2)), _always(generator))
    tasks = np.repeat(table[:, :1], EPISODES, axis=1)
    tasks[:, -1] = table[:, -1]
    noise = None
    if family.noise_size:
        noise = checked_noise(family, family.draw_noise(generator, EPISODES), EPISODES)
    return Cast(tasks, noise, generator.uniform(-0.1, 0.1, (LONGER, family.action_size, EPISODES)))


def _always(generator: np.random.Generator) -> Callable[[int], np.random.Generator]:
    """The same generator for every task."""
    return lambda task_id: generator


def _play(family: TaskFamily, steps: int, cast: Cast, workspace: Workspace) -> Played:
    """Episodes side by side until one of them ends; a lone one has its double beside it, as in a run."""
    count = cast.tasks.shape[1]
    if count == 1:
        cast = cast.of([0] * LONE)
    batch = cast.tasks.shape[1]
    family = dataclasses.replace(family, horizon=min(family.horizon, steps))
    observations = np.full((family.horizon + 1, family.observation_size, batch), np.nan)
    simulation = family.simulation(cast.tasks, cast.noise, workspace)
    for method in ("reset", "step", "rewards", "running"):
        if not hasattr(simulation, method):
            raise FamilyError(
                f"task family {family.name!r}: its {type(simulation).__name__} has no {method!r}; tasks/family.py says "
                "what a simulation is."
            )
    start(simulation, observations[0], count)
    done = 0
    for actions, following in zip(cast.actions, observations[1:], strict=False):
        simulation.step(actions.copy(), following)
        done += 1
        if simulation.running is not None and not simulation.running[:count].all():
            break
    # The last one is not acted upon, and later ones may be those of episodes that have ended.
    acted_upon = observations[:done, :, :count]
    try:
        outcome = simulation.rewards(observations[: done + 1], cast.tasks)
    except Exception:  # counted where it happens: an episode may fail
        return acted_upon, np.empty((0, count))
    rewards, _ = checked_rewards(family, outcome, done, batch)
    return acted_upon, rewards[:, :count].copy()


def _check_written(family: TaskFamily, played: list[Played]) -> None:
    """Raise FamilyError where rows of the first two observations are missing in every episode."""
    written = [~np.isnan(seen[:2]).all(axis=2).any(axis=0) for seen, _ in played]
    missing = np.flatnonzero(~np.any(written, axis=0)).tolist()
    if missing:
        raise FamilyError(
            f"task family {family.name!r}: rows {missing} of the observations were not written by reset() and step(), "
            f"or were nan in every episode; observation_size = {family.observation_size} rows of numbers are wanted."
        )

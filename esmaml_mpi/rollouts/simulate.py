"""The hot loop: a batch of policies, each on its own task, to returns and observation sums.

Every column's result is bit-identical in any batch: all arithmetic is element-wise across the batch axis or sums over
a leading axis, in order. NumPy breaks that rule for a batch of exactly one, whose leading axis it sums pairwise; a
block of one column is therefore doubled, and where simulations can be told so, the double is not simulated.
"""

import itertools
from typing import cast

import numpy as np

from esmaml_mpi.errors import UserError, in_words
from esmaml_mpi.native.door import moments
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy, Bound, Lived, can_narrow, narrowed, sees_rewards
from esmaml_mpi.rollouts.deadline import DeadlineExceeded
from esmaml_mpi.rollouts.episodes import Episodes
from esmaml_mpi.rollouts.faults import faults_of
from esmaml_mpi.rollouts.lifetime import live
from esmaml_mpi.rollouts.result import RolloutResult
from esmaml_mpi.tasks.contract import checked_rewards, checked_size, checked_successes
from esmaml_mpi.tasks.ending import start
from esmaml_mpi.tasks.family import Simulation, TaskFamily
from esmaml_mpi.tasks.workspace import Workspace

MOST_BLOCK_NUMBERS = 160_000  # parameters of a block, about 1.3 MB: what a core's cache holds beside the scratch arrays
FEWEST_IN_BLOCK = 256
FEWEST = 2  # columns whose arithmetic does not depend on their number


class RolloutError(RuntimeError):
    """The task family raised while simulating; the cause is chained."""


def block_size(policy: AnyPolicy, family: TaskFamily, paths: bool = False) -> int:
    """How many simulations to step together; ``paths``: where all that they saw is kept meanwhile."""
    limit = family.batch_limit if paths else getattr(family, "whole_limit", family.batch_limit)
    return min(limit, max(FEWEST_IN_BLOCK, MOST_BLOCK_NUMBERS // policy.size))


def simulate(
    policy: AnyPolicy,
    family: TaskFamily,
    parameters: np.ndarray,
    tasks: np.ndarray,
    noise: np.ndarray | None,
    observer: Observer,
    workspace: Workspace,
    record: bool = False,
) -> RolloutResult:
    """Run one episode of each column: parameters (d, B), task parameters (p, B), noise (noise_size, B) or None.

    For policies that act at random, rows of standard normals follow the parameters, (noise_per_step, horizon) of them;
    for those that see their rewards, perhaps what they remember of earlier episodes.

    Task parameters (p, T, B) price each episode for T tasks, where the family's tasks differ in reward alone. Raises
    RolloutError if the family does, and FamilyError if what it gives back is not what families give back, which no
    other episode would mend. Non-finite outcomes are returned as they are; the caller judges them.
    """
    batch, limit = parameters.shape[1], block_size(policy, family, record or tasks.ndim == 3)
    blocks = max(1, -(-batch // limit))
    edges = [batch * i // blocks for i in range(blocks + 1)]
    episodes = Episodes(parameters, tasks, noise, observer)
    parts = [
        _simulate_few(policy, family, episodes.of(slice(a, b)), workspace, record) for a, b in itertools.pairwise(edges)
    ]
    return RolloutResult.joined(parts)


def _simulate_few(
    policy: AnyPolicy, family: TaskFamily, episodes: Episodes, workspace: Workspace, record: bool
) -> RolloutResult:
    """A block; a lone column with its double, which is left out of the result."""
    if episodes.batch > 1:
        return _simulate_block(policy, family, episodes, workspace, record)
    return _simulate_block(policy, family, episodes.repeated(FEWEST), workspace, record, lone=True).first()


def _simulate_block(
    policy: AnyPolicy,
    family: TaskFamily,
    episodes: Episodes,
    workspace: Workspace,
    record: bool,
    lone: bool = False,
) -> RolloutResult:
    tasks, observer, batch, size = episodes.tasks, episodes.observer, episodes.batch, policy.observation_size
    checked_size(family, size)
    prices = tasks if tasks.ndim == 3 else tasks[:, None]
    returns, over, memory = np.empty(prices.shape[1:]), None, None
    earned = np.zeros((family.horizon, batch)) if record and tasks.ndim == 2 else None
    with np.errstate(all="ignore"):
        try:
            simulation = family.simulation(prices[:, 0], episodes.noise, workspace)
            bound = policy.bind(episodes.parameters, observer.mean, observer.std)
            whole_episodes = None if record or tasks.ndim == 3 else getattr(simulation, "whole_episodes", None)
            done = whole_episodes(bound) if whole_episodes else None
            if done is not None:
                return RolloutResult(*done)
            observations = workspace.array("observations", family.horizon + 1, size, batch)
            sums, steps = np.empty((2 * size, batch)), family.horizon
            whole_path = getattr(simulation, "whole_path", None)
            walked = whole_path is not None and whole_path(bound, observations, sums)
            if not walked:
                start(simulation, observations[0], 1 if lone else batch)
                if sees_rewards(policy):
                    steps, memory = live(family, cast(Lived, bound), simulation, observations, prices[:, 0])
                else:
                    steps = _run(policy, bound, episodes, simulation, observations)
            outcomes = (simulation.rewards(observations[: steps + 1], prices[:, t]) for t in range(prices.shape[1]))
            for t, outcome in enumerate(outcomes):
                rewards, ended = checked_rewards(family, outcome, steps, batch)
                returns[t], ended = _returns(rewards, ended)
                if earned is not None:
                    earned[:steps] = rewards
                # Where one episode is priced for several tasks it was simulated until the last of them was over.
                over = ended if over is None else over & ended
            successes = checked_successes(family, simulation, batch)
        except (UserError, DeadlineExceeded, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit too, and what libraries derive from nothing narrower
            raise RolloutError(f"{family.name} raised {in_words(error)}") from error
        recorded = observations.copy() if record else None
        seen = observations[:steps]
        if over is None:
            lengths = np.full(batch, steps)
        else:
            lengths = np.minimum(steps - np.count_nonzero(over, axis=0) + 1, steps)
            np.copyto(seen[1:], 0.0, where=over[:-1, None, :])
        if over is not None or not walked:
            moments(seen, sums)
        found = faults_of(returns, sums, seen, rewards, lengths)
    paid = returns if tasks.ndim == 3 else returns[0]
    return RolloutResult(paid, lengths, sums, recorded, earned, found, memory, successes)


def _run(policy: AnyPolicy, bound: Bound, episodes: Episodes, simulation: Simulation, observations: np.ndarray) -> int:
    """Act until the horizon, or until all episodes are over; the number of steps done."""
    horizon, batch = len(observations) - 1, episodes.batch
    if simulation.running is None:
        for observation, following in itertools.pairwise(observations):
            simulation.step(bound.act(observation), following)
        return horizon
    fewest = FEWEST if can_narrow(policy) else batch
    columns: np.ndarray | None = None
    seen: np.ndarray | None = None  # of those that go on, once they are few
    for t in range(horizon):
        if columns is None or seen is None:
            simulation.step(bound.act(observations[t]), observations[t + 1])
        else:
            simulation.step(bound.act(seen), seen)
            observations[t + 1][:, columns] = seen
        count = np.count_nonzero(simulation.running)
        if count == 0:
            return t + 1
        present = batch if columns is None else len(columns)
        if count <= present // 2 and present > fewest:
            kept = _at_least(FEWEST, simulation.running)
            simulation.narrow(kept)
            columns = kept if columns is None else columns[kept]
            seen = observations[t + 1][:, columns]
            scale = episodes.observer.of(columns)
            bound = narrowed(policy, bound, kept, episodes.parameters[:, columns], scale.mean, scale.std, t + 1)
    return horizon


def _at_least(fewest: int, running: np.ndarray) -> np.ndarray:
    """Indices of those that go on, with others where these are too few."""
    kept = running.copy()
    kept[np.flatnonzero(~running)[: max(fewest - np.count_nonzero(running), 0)]] = True
    return np.flatnonzero(kept)


def _returns(rewards: np.ndarray, over: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns (B,) of rewards (T, B), with the step that ends an episode, and whether it is over after each step.

    Later rewards become 0.
    """
    if over is not None:
        over = np.logical_or.accumulate(over, axis=0)
        np.copyto(rewards[1:], 0.0, where=over[:-1])
    return np.add.reduce(rewards, axis=0), over

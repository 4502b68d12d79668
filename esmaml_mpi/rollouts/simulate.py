"""The hot loop: a batch of policies, each on its own task, to returns and observation sums.

Every column's result is bit-identical in any batch: all arithmetic is element-wise across the batch axis or sums over
a leading axis, in order. NumPy breaks that rule for a batch of exactly one, whose leading axis it sums pairwise; a
block of one column is therefore doubled, and where simulations can be told so, the double is not simulated.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from esmaml_mpi.errors import UserError, in_words
from esmaml_mpi.native.door import moments
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy, Bound, Lived, can_narrow, narrowed, sees_rewards
from esmaml_mpi.rollouts.deadline import DeadlineExceeded
from esmaml_mpi.rollouts.faults import Fault, faults_of
from esmaml_mpi.rollouts.lifetime import live
from esmaml_mpi.tasks.contract import checked_rewards, checked_size, checked_successes
from esmaml_mpi.tasks.ending import start
from esmaml_mpi.tasks.family import Simulation, TaskFamily
from esmaml_mpi.tasks.workspace import Workspace

MOST_BLOCK_NUMBERS = 160_000  # parameters of a block, about 1.3 MB: what a core's cache holds beside the scratch arrays
FEWEST_IN_BLOCK = 256
FEWEST = 2  # columns whose arithmetic does not depend on their number


class RolloutError(RuntimeError):
    """The task family raised while simulating; the cause is chained."""


@dataclass(frozen=True)
class RolloutResult:
    """Outcome of B rollouts.

    ``returns`` (B,), or (T, B) where each was priced for T tasks; ``lengths`` (B,) steps, until the last one ended.
    ``observation_sums`` (2n, B): over the steps acted upon, of each observation and then of its square.
    Only if asked for: ``observations`` (horizon + 1, n, B), of which those after row ``lengths[b]``, where episode b
    ended, mean nothing; and ``rewards`` (horizon, B), 0 after it, unless they were priced for several tasks.
    ``faults``: of columns in which a number is not finite, or too large, which one. Only of policies that see their
    rewards: ``memory`` (s, B), what they remember after their episodes.
    ``successes`` (B,) of families that report them, 1 or 0 each, or nan where an episode does not say.
    """

    returns: np.ndarray
    lengths: np.ndarray
    observation_sums: np.ndarray
    observations: np.ndarray | None = None
    rewards: np.ndarray | None = None
    faults: Mapping[int, Fault] = field(default_factory=dict)
    memory: np.ndarray | None = None
    successes: np.ndarray | None = None


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
    parts = [
        _simulate_few(
            policy,
            family,
            parameters[:, a:b],
            tasks[..., a:b],
            None if noise is None else noise[:, a:b],
            observer.of(slice(a, b)),
            workspace,
            record,
        )
        for a, b in itertools.pairwise(edges)
    ]
    if len(parts) == 1:
        return parts[0]
    return RolloutResult(
        np.concatenate([part.returns for part in parts], axis=-1),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.observation_sums for part in parts], axis=1),
        np.concatenate([part.observations for part in parts], axis=2) if record else None,
        np.concatenate([part.rewards for part in parts], axis=1) if record and tasks.ndim == 2 else None,
        {a + column: fault for a, part in zip(edges, parts, strict=False) for column, fault in part.faults.items()},
        np.concatenate([part.memory for part in parts], axis=1) if parts[0].memory is not None else None,
        None if parts[0].successes is None else np.concatenate([part.successes for part in parts]),
    )


def _simulate_few(
    policy: AnyPolicy,
    family: TaskFamily,
    parameters: np.ndarray,
    tasks: np.ndarray,
    noise: np.ndarray | None,
    observer: Observer,
    workspace: Workspace,
    record: bool,
) -> RolloutResult:
    """A block; a lone column with its double, which is left out of the result."""
    lone = parameters.shape[1] == 1
    if lone:
        parameters, tasks = np.repeat(parameters, FEWEST, axis=-1), np.repeat(tasks, FEWEST, axis=-1)
        noise = None if noise is None else np.repeat(noise, FEWEST, axis=-1)
        observer = observer.repeated(FEWEST)
    result = _simulate_block(policy, family, parameters, tasks, noise, observer, workspace, record, lone)
    return _first(result) if lone else result


def _simulate_block(
    policy: AnyPolicy,
    family: TaskFamily,
    parameters: np.ndarray,
    tasks: np.ndarray,
    noise: np.ndarray | None,
    observer: Observer,
    workspace: Workspace,
    record: bool,
    lone: bool,
) -> RolloutResult:
    batch, size = parameters.shape[1], policy.observation_size
    checked_size(family, size)
    prices = tasks if tasks.ndim == 3 else tasks[:, None]
    returns, over, memory = np.empty(prices.shape[1:]), None, None
    earned = np.zeros((family.horizon, batch)) if record and tasks.ndim == 2 else None
    with np.errstate(all="ignore"):
        try:
            simulation = family.simulation(prices[:, 0], noise, workspace)
            bound = policy.bind(parameters, observer.mean, observer.std)
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
                    steps = _run(policy, bound, parameters, observer, simulation, observations)
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


def _run(
    policy: AnyPolicy,
    bound: Bound,
    parameters: np.ndarray,
    observer: Observer,
    simulation: Simulation,
    observations: np.ndarray,
) -> int:
    """Act until the horizon, or until all episodes are over; the number of steps done."""
    horizon, batch = len(observations) - 1, parameters.shape[1]
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
            scale = observer.of(columns)
            bound = narrowed(policy, bound, kept, parameters[:, columns], scale.mean, scale.std, t + 1)
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


def _first(result: RolloutResult) -> RolloutResult:
    """The first of two equal columns."""
    optional = result.observations, result.rewards, result.memory, result.successes
    observations, rewards, memory, successes = (None if each is None else each[..., :1] for each in optional)
    faults = {column: fault for column, fault in result.faults.items() if column == 0}
    sums = result.observation_sums[:, :1]
    returns, lengths = result.returns[..., :1], result.lengths[:1]
    return RolloutResult(returns, lengths, sums, observations, rewards, faults, memory, successes)

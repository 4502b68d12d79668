"""The hot loop: a batch of policies, each on its own task, to returns and observation sums.

Every column's result is bit-identical in any batch: all arithmetic is element-wise across the batch axis or sums over
a leading axis, in order. NumPy breaks that rule for a batch of exactly one, whose leading axis it sums pairwise; a
lone column is therefore doubled.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import in_words
from esmaml_mpi.policies import Policy
from esmaml_mpi.tasks.contract import checked_outcome, checked_size
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.workspace import Workspace

MOST_BLOCK_NUMBERS = 160_000  # parameters of a block, about 1.3 MB: what a core's cache holds beside the scratch arrays
FEWEST_IN_BLOCK = 256


class RolloutError(RuntimeError):
    """The task family raised while simulating; the cause is chained."""


@dataclass(frozen=True)
class Observer:
    """What policies see: (s - mean) / std, each (n,)."""

    mean: np.ndarray
    std: np.ndarray


@dataclass(frozen=True)
class RolloutResult:
    """Outcome of B rollouts.

    ``returns`` (B,), ``lengths`` (B,) steps, ``observation_sums`` (2n, B): over the steps acted upon, of each
    observation and then of its square. ``observations`` (horizon + 1, n, B) only if asked for; those after row
    ``lengths[b]``, where episode b ended, mean nothing.
    """

    returns: np.ndarray
    lengths: np.ndarray
    observation_sums: np.ndarray
    observations: np.ndarray | None = None


def block_size(policy: Policy, family: TaskFamily) -> int:
    """How many simulations to step together."""
    return min(family.batch_limit, max(FEWEST_IN_BLOCK, MOST_BLOCK_NUMBERS // policy.size))


def simulate(
    policy: Policy,
    family: TaskFamily,
    parameters: np.ndarray,
    tasks: np.ndarray,
    noise: np.ndarray | None,
    observer: Observer,
    workspace: Workspace,
    record: bool = False,
) -> RolloutResult:
    """Run one episode of each column: parameters (d, B), task parameters (p, B), noise (noise_size, B) or None.

    Raises RolloutError if the family does, and FamilyError if what it gives back is not what families give back, which
    no other episode would mend. Non-finite outcomes are returned as they are; the caller judges them.
    """
    if parameters.shape[1] == 1:
        pair = (None if array is None else np.repeat(array, 2, axis=1) for array in (parameters, tasks, noise))
        both = simulate(policy, family, *pair, observer, workspace, record)
        return RolloutResult(
            both.returns[:1],
            both.lengths[:1],
            both.observation_sums[:, :1],
            both.observations[..., :1] if record else None,
        )
    batch, limit = parameters.shape[1], block_size(policy, family)
    blocks = max(1, -(-batch // limit))
    edges = [batch * i // blocks for i in range(blocks + 1)]
    parts = [
        _simulate_block(
            policy,
            family,
            parameters[:, a:b],
            tasks[:, a:b],
            None if noise is None else noise[:, a:b],
            observer,
            workspace,
            record,
        )
        for a, b in itertools.pairwise(edges)
    ]
    if len(parts) == 1:
        return parts[0]
    return RolloutResult(
        np.concatenate([part.returns for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.observation_sums for part in parts], axis=1),
        np.concatenate([part.observations for part in parts], axis=2) if record else None,
    )


def _simulate_block(policy, family, parameters, tasks, noise, observer, workspace, record) -> RolloutResult:
    batch, size, horizon = parameters.shape[1], policy.observation_size, family.horizon
    checked_size(family, size)
    observations = workspace.array("observations", horizon + 1, size, batch)
    with np.errstate(all="ignore"):
        act = policy.bind(parameters, observer.mean, observer.std).act
        try:
            simulation = family.simulation(tasks, noise, workspace)
            simulation.reset(observations[0])
            for observation, following in itertools.pairwise(observations):
                simulation.step(act(observation), following)
            outcome = simulation.returns(observations)
        except Exception as error:
            raise RolloutError(f"{family.name} raised {in_words(error)}") from error
        returns, lengths = checked_outcome(family, outcome, batch)
        recorded = observations.copy() if record else None
        seen = observations[:-1]
        if lengths is None:
            lengths = np.full(batch, horizon)
        else:
            over = np.arange(horizon)[:, None] >= lengths
            np.copyto(seen, 0.0, where=over[:, None, :])
        sums = np.empty((2 * size, batch))
        np.add.reduce(seen, axis=0, out=sums[:size])
        np.einsum("tib,tib->ib", seen, seen, out=sums[size:])
    return RolloutResult(returns, lengths, sums, recorded)

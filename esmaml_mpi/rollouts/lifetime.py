"""An episode of policies that see their rewards, step by step, and what they remember at its end."""

import numpy as np

from esmaml_mpi.policies.contract import Lived
from esmaml_mpi.tasks.contract import checked_rewards
from esmaml_mpi.tasks.family import Simulation, TaskFamily


def live(
    family: TaskFamily, bound: Lived, simulation: Simulation, observations: np.ndarray, tasks: np.ndarray
) -> tuple[int, np.ndarray]:
    """Act until the horizon, or until all episodes are over, and tell what each step has earned.

    ``observations`` (horizon + 1, n, B) begin with those of ``reset`` and are written. Returns how many steps were
    done, and what each policy remembers (s, B) after the last step of its episode. Batches are not narrowed: rewards
    are of all columns.
    """
    horizon, batch = len(observations) - 1, observations.shape[-1]
    memory, over = bound.state, np.zeros(batch, dtype=bool)
    for t in range(horizon):
        simulation.step(bound.act(observations[t]), observations[t + 1])
        # Of all steps so far, as a reward may depend on the whole path; the last row is new.
        rewards, ended = checked_rewards(family, simulation.rewards(observations[: t + 2], tasks), t + 1, batch)
        ends = np.full(batch, t + 1 == horizon) if ended is None else ended[-1] | (t + 1 == horizon)
        if simulation.running is not None:
            ends |= ~simulation.running
        bound.tell(rewards[-1], ends)
        last = ends & ~over
        if last.any():
            memory[:, last] = bound.state[:, last]
            over |= last
        if over.all():
            return t + 1, memory
    return horizon, memory

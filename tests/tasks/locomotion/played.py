"""What the tests here share: scripted episodes, rollout setups of bodies that fall at different times."""

from dataclasses import dataclass

import numpy as np
from helpers import rollout_setup

from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import FAMILIES, family_class
from esmaml_mpi.tasks.workspace import Workspace

LOCOMOTION = [name for name, place in FAMILIES.items() if ".locomotion." in place]


def variants_of(name):
    """The names of a family's variants."""
    return family_class(name).__dataclass_fields__["variant"].metadata["choices"]


def play(family, tasks, actions, offsets=None):
    """Rewards (T, B), ends (T, B) and observations (T + 1, n, B) under scripted actions (T, m, B)."""
    steps, _, batch = actions.shape
    observations = np.empty((steps + 1, family.observation_size, batch))
    simulation = family.simulation(tasks, offsets, Workspace())
    simulation.reset(observations[0])
    for t in range(steps):
        simulation.step(actions[t].copy(), observations[t + 1])
    return *simulation.rewards(observations, tasks), observations


def steps_of(over):
    """How many steps each episode of ``over`` (T, B) lasted."""
    return np.where(over.any(axis=0), np.argmax(over, axis=0) + 1, len(over))


@dataclass
class Walks:
    """Everything that one call of simulate needs."""

    setup: object
    theta: np.ndarray
    tasks: np.ndarray
    noise: np.ndarray | None
    observer: Observer

    def run(self, columns=slice(None), workspace=None):
        """These columns alone, as a batch of their own."""
        pick = [
            None if a is None else np.ascontiguousarray(a[:, columns]) for a in (self.theta, self.tasks, self.noise)
        ]
        return simulate(self.setup.policy, self.setup.family, *pick, self.observer, workspace or Workspace())


def walks(name, scales, horizon=60, options={}, hidden=(), seed=0):  # noqa: B006 (read only)
    """One episode for each of ``scales``, those of its random policy."""
    rng = np.random.default_rng(seed)
    setup = rollout_setup(name, hidden, horizon, options, tasks=2)
    n, count = setup.family.observation_size, len(scales)
    return Walks(
        setup,
        rng.standard_normal((setup.policy.size, count)) * scales,
        setup.task_table[:, rng.integers(2, size=count)],
        setup.family.draw_noise(rng, count) if setup.family.noise_size else None,
        Observer(rng.normal(0.0, 0.1, n), rng.uniform(0.5, 2.0, n)),
    )


def assert_columns(part, whole, columns):
    """Bit for bit; nan is equal to nan."""
    for name in ("returns", "lengths", "observation_sums"):
        found, expected = getattr(part, name), getattr(whole, name)[..., columns]
        assert np.array_equal(found, expected, equal_nan=True), name

"""What several tests use: scripted episodes, small rollout setups, a family that fails on purpose, comparisons."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.adaptation.es_gradient import ESGradient
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.reproducibility.randomness import Streams
from esmaml_mpi.results.seal import SIZE, sealed
from esmaml_mpi.rollouts.trials import RolloutSetup
from esmaml_mpi.settings import setting
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.four_corners import FourCorners
from esmaml_mpi.tasks.point import PointSimulation
from esmaml_mpi.tasks.workspace import Workspace

# Every random check compares a mean with its expectation in units of its standard error. Seeds are fixed, so that a
# pass stays a pass.
MOST_STANDARD_ERRORS = 4.0

# Of a session that takes four trials: the meta-policy and three queries.
FOUR_TRIALS = {
    "task": {"horizon": 5},
    "policy": {"hidden": []},
    "adaptation": {"operator": "hill_climbing", "queries": 3},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"repeats": 1},
}


def deviations(samples, expected):
    """(mean of ``samples`` over their first axis - expected) in standard errors."""
    return (samples.mean(axis=0) - expected) / (samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))


def near(samples, expected):
    """Whether the mean of the samples is what it should be, in every component."""
    return bool(np.all(np.abs(deviations(samples, expected)) < MOST_STANDARD_ERRORS))


def drive(family, tasks, actions, noise=None):
    """Episodes of tasks (p, B) under scripted actions (T, m, B).

    Gives returns (B,), lengths (B,) and observations (T + 1, n, B).
    """
    steps, _, batch = actions.shape
    observations = np.empty((steps + 1, family.observation_size, batch))
    simulation = family.simulation(tasks, noise, Workspace())
    simulation.reset(observations[0])
    for t in range(steps):
        simulation.step(actions[t].copy(), observations[t + 1])
    rewards, over = simulation.rewards(observations, tasks)
    lengths = np.full(batch, steps)
    if over is not None:
        lengths = np.array([np.flatnonzero(column)[0] + 1 if column.any() else steps for column in over.T])
    returns = np.array([rewards[:length, b].sum() for b, length in enumerate(lengths)])
    return returns, lengths, observations


def task_table(family, count, seed=0):
    """Parameters (p, count) of tasks 0 .. count-1."""
    tasks = [family.task_parameters(i, np.random.default_rng([seed, i])) for i in range(count)]
    return np.stack(tasks, axis=1)


def rollout_setup(name="four_corners", hidden=(), horizon=20, options={}, tasks=4, seed=7, **more):  # noqa: B006 (read only)
    """A RolloutSetup with a small policy for this family."""
    family = make_family(name, horizon, options)
    policy = Policy(family.observation_size, family.action_size, tuple(hidden), **more)
    return RolloutSetup(policy, family, task_table(family, tasks), Streams(seed))


def operator(**changes):
    """A small adaptation operator."""
    settings = dict(
        queries=6, sigma=0.5, step_size=0.4, steps=1, estimator="forward_fd", reward_normalization="standardize"
    )
    return ESGradient(**{**settings, **changes})


def unscaled(size):
    """The observer that changes nothing."""
    return Observer(np.zeros(size), np.ones(size))


def same(first, second):
    """Bit for bit, nan equal to nan."""
    return np.array_equal(first, second, equal_nan=True)


@dataclass(frozen=True)
class Flaky(FourCorners):
    """Four corners in which a share of the episodes raises or has no number for a return.

    Register it with ``monkeypatch.setitem(FAMILIES, "flaky", "helpers:Flaky")``.
    """

    failure_rate: float = setting(0.0, "probability that an episode fails", minimum=0, maximum=1)
    failure: str = setting("not_finite", "how", choices=("not_finite", "raise"))

    name = "flaky"

    @property
    def noise_size(self):
        return 1

    def draw_noise(self, generator, episodes):
        return generator.uniform(size=(1, episodes))

    def simulation(self, tasks, noise, workspace):
        return FlakySimulation(self, noise[0] < self.failure_rate, workspace)


@dataclass(frozen=True)
class Unpaid(FourCorners):
    """Four corners that are worth nothing: all rewards are 0. To be registered as Flaky is."""

    name = "unpaid"

    def rewards(self, path, tasks, out, workspace):
        out.fill(0.0)


@dataclass(frozen=True)
class Salaried(FourCorners):
    """Four corners in which every step is worth the same."""

    name = "salaried"

    def rewards(self, path, tasks, out, workspace):
        out.fill(0.7)


@dataclass(frozen=True)
class Overpaid(FourCorners):
    """Four corners whose rewards are very large, or very small."""

    factor: float = setting(1.0, "of all rewards", above=0)

    name = "overpaid"

    def rewards(self, path, tasks, out, workspace):
        super().rewards(path, tasks, out, workspace)
        out *= self.factor


class FlakySimulation(PointSimulation):
    def __init__(self, family, fails, workspace):
        super().__init__(family, None, workspace)
        self.fails = fails

    def rewards(self, observations, tasks):
        rewards, over = super().rewards(observations, tasks)
        if self.family.failure == "raise" and self.fails.any():
            raise ValueError("failing on purpose")
        return np.where(self.fails, np.nan, rewards), over


def reseal(path):
    """Give a results file that a test has changed the seal of a file that was written so."""
    path.write_bytes(sealed(image_of(path.read_bytes())))


def image_of(content):
    """The HDF5 data of a file of ours, whatever has become of its seal."""
    if content.startswith(b"esmaml_mpi"):
        return content[SIZE:]
    return content[:-SIZE] if content[-SIZE:].startswith(b"esmaml_mpi") else content


def assert_same_run(found, expected):
    """Two results hold the same numbers, all but times, bit for bit."""
    for group in ("train", "test", "parameters", "normalization"):
        rows, others = found.history[group], expected.history[group]
        for name in rows:
            assert name == "seconds" or same(rows[name], others[name]), f"{group}/{name}"
    _assert_same_tree(found.checkpoint, expected.checkpoint)


def _assert_same_tree(found, expected):
    assert found.keys() == expected.keys()
    for name, value in found.items():
        if isinstance(value, dict):
            _assert_same_tree(value, expected[name])
        else:
            assert same(np.asarray(value), np.asarray(expected[name])), f"checkpoint: {name}"

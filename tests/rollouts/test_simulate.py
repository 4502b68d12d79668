"""Batched rollouts: the same bits in any batch, and the same episode as a plain loop."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import reference
from helpers import rollout_setup

from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import RolloutError, block_size, simulate
from esmaml_mpi.tasks.four_corners import FourCorners
from esmaml_mpi.tasks.workspace import Workspace

FAMILIES = {
    "four corners": ("four_corners", {}),
    "penalised": ("four_corners", {"variant": "promp", "penalty": 100.0}),
    "navigation": ("navigation_2d", {"variant": "finn", "end_distance": 0.3}),
    "circles": ("six_circles", {"goals": 4, "subset": 2}),
    "sinusoid": ("sinusoid", {}),
}
POLICIES = {
    "linear": dict(hidden=()),
    "32": dict(hidden=(32,)),
    "32 tanh": dict(hidden=(32,), activation="tanh"),
    "32-32": dict(hidden=(32, 32)),
    "32-32 tanh": dict(hidden=(32, 32), activation="tanh"),
    "one unit, identity": dict(hidden=(1,), output="identity"),
}
BATCH = 41


@dataclass
class Batch:
    """Everything that one call of simulate needs."""

    setup: object
    theta: np.ndarray
    tasks: np.ndarray
    noise: np.ndarray | None
    observer: Observer

    def run(self, columns=slice(None), workspace=None, record=False):
        noise = None if self.noise is None else self.noise[:, columns]
        arrays = self.theta[:, columns], self.tasks[:, columns], noise
        return simulate(self.setup.policy, self.setup.family, *arrays, self.observer, workspace or Workspace(), record)

    def take(self, columns):
        """These columns as a batch of their own, in C order as all batches are."""
        pick = [None if a is None else np.take(a, columns, axis=1) for a in (self.theta, self.tasks, self.noise)]
        return Batch(self.setup, *pick, self.observer)


def batch_of(family, policy, size=BATCH, horizon=30, seed=0):
    name, options = FAMILIES[family]
    rng = np.random.default_rng(seed)
    setup = rollout_setup(name, horizon=horizon, options=options, **POLICIES[policy])
    n = setup.family.observation_size
    return Batch(
        setup,
        rng.normal(0.0, 0.4, (setup.policy.size, size)),
        setup.task_table[:, rng.integers(4, size=size)],
        setup.family.draw_noise(rng, size) if setup.family.noise_size else None,
        Observer(rng.normal(0.0, 0.1, n), rng.uniform(0.5, 2.0, n)),
    )


def assert_columns(part, whole, columns):
    assert np.array_equal(part.returns, whole.returns[columns])
    assert np.array_equal(part.lengths, whole.lengths[columns])
    assert np.array_equal(part.observation_sums, whole.observation_sums[:, columns])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_column_is_the_same_bits_in_any_batch(family, policy):
    batch = batch_of(family, policy)
    whole, workspace = batch.run(), Workspace()
    for edges in ([0, 1, 2, 3, 41], [0, 2, 10, 11, 40, 41], [0, 16, 32, 41], list(range(42))):
        for a, b in itertools.pairwise(edges):
            assert_columns(batch.run(slice(a, b), workspace), whole, slice(a, b))
    strided = slice(1, None, 3)  # a view whose columns are not neighbours in memory
    assert_columns(batch.run(strided, workspace), whole, strided)
    shuffled = np.random.default_rng(1).permutation(BATCH)
    assert_columns(batch.take(shuffled).run(workspace=workspace), whole, shuffled)


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_larger_than_a_block_are_the_same_bits(family):
    batch = batch_of(family, "32-32", size=700, horizon=8)
    assert block_size(batch.setup.policy, batch.setup.family) < 350  # three blocks
    whole = batch.run(record=True)
    for columns in (slice(0, 1), slice(230, 236), slice(350, 700)):
        part = batch.run(columns, record=True)
        assert_columns(part, whole, columns)
        assert np.array_equal(part.observations, whole.observations[:, :, columns])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_call_again_is_the_same_bits(family):
    batch, workspace = batch_of(family, "32"), Workspace()
    first = batch.run(workspace=workspace, record=True)
    kept = first.returns.copy(), first.observation_sums.copy(), first.observations.copy()
    batch_of(family, "linear", size=97, seed=5).run(workspace=workspace)  # other work in the same scratch arrays
    second = batch.run(workspace=workspace, record=True)
    for result in (first, second):  # the first was not overwritten, the second is no different
        assert np.array_equal(result.returns, kept[0])
        assert np.array_equal(result.observation_sums, kept[1]) and np.array_equal(result.observations, kept[2])


@pytest.mark.parametrize("family", FAMILIES)
def test_inputs_are_left_alone(family):
    batch = batch_of(family, "32")
    before = batch.theta.copy(), batch.tasks.copy(), None if batch.noise is None else batch.noise.copy()
    batch.run()
    assert np.array_equal(batch.theta, before[0]) and np.array_equal(batch.tasks, before[1])
    assert batch.noise is None or np.array_equal(batch.noise, before[2])


def plain_navigation(batch, column, horizon):
    """Return, path and observations of a navigation episode, one step at a time."""
    options, policy = batch.setup.family, batch.setup.policy
    widths, task = [2, *policy.hidden, 2], batch.tasks[:, column].tolist()
    activation = reference.relu if policy.activation == "relu" else np.tanh

    def act(position):
        return reference.act(
            batch.theta[:, column], widths, position, batch.observer.mean, batch.observer.std, activation
        )

    start = (0.0, 0.0) if batch.noise is None else batch.noise[:, column].tolist()
    if options.name == "four_corners":
        path = reference.walk(act, start, horizon, 0.1, 5.0)
        return reference.total(path, reference.bowl(tuple(task))), path
    if options.name == "navigation_2d":
        over = lambda p: all(abs(a - b) < 0.3 for a, b in zip(p, task, strict=True))  # noqa: E731
        path = reference.walk(act, start, horizon, 0.1, np.inf, over)
        return reference.total(path, reference.dense(task)), path
    path = reference.walk(act, start, horizon, 0.1, 5.0)
    return reference.ring(path, 4, set(np.flatnonzero(task).tolist()))[0], path


@pytest.mark.parametrize("family", ["four corners", "navigation", "circles"])
@pytest.mark.parametrize("policy", ["linear", "32", "32-32 tanh"])
def test_a_rollout_is_the_plain_loop_over_steps(family, policy):
    batch = batch_of(family, policy, size=12)
    result = batch.run()
    for column in range(12):
        expected, path = plain_navigation(batch, column, 30)
        seen = np.array(path[:-1])
        # the policy's folded normalisation rounds differently by 1e-16 a step; penalties multiply that by 1e4
        assert result.returns[column] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert result.lengths[column] == len(seen)
        np.testing.assert_allclose(result.observation_sums[:2, column], seen.sum(axis=0), rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(result.observation_sums[2:, column], (seen**2).sum(axis=0), rtol=1e-9, atol=1e-10)
    assert family != "navigation" or (0 < np.count_nonzero(result.lengths < 30) < 12)


@pytest.mark.parametrize("size", [1, 5])
def test_recorded_observations_are_what_the_sums_are_over(size):
    batch = batch_of("four corners", "32", size=size)
    result = batch.run(record=True)
    assert result.observations.shape == (31, 2, size)
    np.testing.assert_allclose(result.observation_sums[:2], result.observations[:-1].sum(axis=0), rtol=1e-12)
    assert batch.run().observations is None


def test_a_recorded_episode_keeps_its_last_observation_when_it_ends_early():
    batch = batch_of("navigation", "linear", size=12)
    result = batch.run(record=True)
    assert np.count_nonzero(result.lengths < 30) > 0
    for column, length in enumerate(result.lengths):
        _, path = plain_navigation(batch, column, 30)
        np.testing.assert_allclose(result.observations[: length + 1, :, column], path, rtol=1e-9, atol=1e-10)


def test_a_policy_that_diverges_returns_what_it_is():
    batch = batch_of("four corners", "linear", size=4)
    whole = batch.run()
    batch.theta[:, 2] = np.nan
    result = batch.run()
    assert np.isnan(result.returns[2]) and np.isnan(result.observation_sums[:, 2]).all()
    others = np.array([0, 1, 3])
    assert np.array_equal(result.returns[others], whole.returns[others])


class Broken(FourCorners):
    """Cannot price its paths."""

    def rewards(self, path, tasks, out, workspace):
        raise ZeroDivisionError("the simulator gave up")


def test_a_family_that_raises_is_reported_with_its_cause():
    family, policy = Broken(), Policy(2, 2)
    with pytest.raises(RolloutError, match="four_corners raised ZeroDivisionError: the simulator gave up") as caught:
        simulate(
            policy, family, np.zeros((6, 3)), np.zeros((2, 3)), None, Observer(np.zeros(2), np.ones(2)), Workspace()
        )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)

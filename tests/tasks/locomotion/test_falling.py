"""Episodes that end early are no longer stepped, and nobody beside them can tell."""

import itertools

import numpy as np
import plain_bodies
import pytest
from helpers import operator, unscaled
from mujoco.batch import Batch
from plain_bodies import Definition, ant_stands, signed, walker_stands
from played import assert_columns, walks

from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.simulate import block_size, simulate
from esmaml_mpi.rollouts.units import Status, Units
from esmaml_mpi.tasks.locomotion.family import LocomotionSimulation
from esmaml_mpi.tasks.workspace import Workspace

CASES = {
    "walker": ("walker2d_forward_backward", {}, (8,)),
    "noisy walker": ("walker2d_goal_velocity", {"variant": "promp"}, ()),
    "random walker": ("walker2d_random_parameters", {}, ()),
    "ant": ("ant_forward_backward", {}, ()),
    "ant that feels": ("ant_direction", {"variant": "promp"}, ()),
    "cheetah": ("half_cheetah_forward_backward", {"variant": "promp"}, ()),  # never falls
}
HORIZON = 60
SCALES = np.linspace(0.0, 1.5, 17)  # the first policy does nothing and falls late, if ever


def mixed(case, scales=SCALES, horizon=HORIZON, seed=1):
    name, options, hidden = CASES[case]
    return walks(name, scales, horizon, options, hidden, seed)


@pytest.fixture
def stepped(monkeypatch):
    """How many simulator steps each call of Batch.step has done."""
    counts, step = [], Batch.step

    def counted(self, ids=None, nstep=1, **more):
        counts.append(nstep * (self.nsim if ids is None else len(ids)))
        return step(self, ids, nstep, **more)

    monkeypatch.setattr(Batch, "step", counted)
    return counts


@pytest.fixture
def narrowed(monkeypatch):
    """(width, how many of them go on) after each narrowing."""
    widths, narrow = [], LocomotionSimulation.narrow

    def noted(self, kept):
        narrow(self, kept)
        widths.append((len(self.running), np.count_nonzero(self.running)))

    monkeypatch.setattr(LocomotionSimulation, "narrow", noted)
    return widths


@pytest.mark.parametrize("case", CASES)
def test_who_has_fallen_is_no_longer_stepped(case, stepped):
    batch = mixed(case)
    for columns in (slice(None), slice(0, 1), slice(3, 4), slice(2, 9)):
        stepped.clear()
        lengths = batch.run(columns).lengths
        assert sum(stepped) == batch.setup.family.frame_skip * lengths.sum()
        assert len(stepped) == lengths.max()  # and no longer than the last one goes on
    assert (len(set(batch.run().lengths)) > 5) == (case != "cheetah")


@pytest.mark.parametrize("case", CASES)
def test_every_episode_is_the_same_bits_in_any_batch(case, narrowed):
    batch = mixed(case)
    whole, workspace, count = batch.run(), Workspace(), len(SCALES)
    assert (len(narrowed) > 1) == (case != "cheetah")
    for edges in (range(count + 1), [0, 2, 4, 7, count], [0, 8, count]):
        for a, b in itertools.pairwise(edges):
            assert_columns(batch.run(slice(a, b), workspace), whole, slice(a, b))
    shuffled = np.random.default_rng(1).permutation(count)
    assert_columns(batch.run(shuffled, workspace), whole, shuffled)


@pytest.mark.parametrize("case", ["walker", "noisy walker", "random walker", "ant that feels"])
def test_a_lone_survivor_is_the_same_bits(case, narrowed):
    batch = mixed(case)
    alone = batch.run()
    early = np.argmin(alone.lengths)
    assert alone.lengths[early] < alone.lengths[0]
    for columns in ([0, *[early] * 7], [*[early] * 3, 0]):  # all others fall at the same step
        narrowed.clear()
        assert_columns(batch.run(np.array(columns)), alone, columns)
        assert narrowed == [(2, 1)]


def test_neighbours_that_fall_change_nothing():
    calm, wild = mixed("walker"), mixed("walker", SCALES + 3.0, seed=2)
    before = calm.run()
    stay = np.arange(0, len(SCALES), 3)
    replaced = np.setdiff1d(np.arange(len(SCALES)), stay)
    calm.theta[:, replaced] = wild.theta[:, replaced]
    after = calm.run()
    assert np.array_equal(after.returns[stay], before.returns[stay])
    assert np.array_equal(after.lengths[stay], before.lengths[stay])
    assert np.array_equal(after.observation_sums[:, stay], before.observation_sums[:, stay])
    assert not np.array_equal(after.lengths[replaced], before.lengths[replaced])


def test_batches_larger_than_a_block_are_the_same_bits(stepped):
    scales = np.tile(SCALES, 20)
    batch = mixed("walker", scales, horizon=20)
    assert len(scales) > block_size(batch.setup.policy, batch.setup.family)  # two blocks
    whole = batch.run()
    assert sum(stepped) == 8 * whole.lengths.sum()
    for columns in (slice(0, 1), slice(160, 180), slice(0, 170), slice(170, 340)):
        assert_columns(batch.run(columns), whole, columns)


def test_scratch_arrays_hold_nothing_over():
    batch, workspace = mixed("noisy walker"), Workspace()
    fresh = batch.run()
    mixed("walker", np.full(40, np.nan)).run(workspace=workspace)  # leaves nan behind
    mixed("ant", SCALES + 1.0).run(workspace=workspace)
    assert_columns(batch.run(workspace=workspace), fresh, slice(None))


PLAIN = {
    "walker": Definition("walker2d_v5.xml", signed, 8, control=0.001, bonus=1.0, stands=walker_stands),
    "ant": Definition("ant.xml", signed, 5, stands=ant_stands(0.0)),
}


@pytest.mark.parametrize("case", PLAIN)
def test_a_rollout_is_the_plain_loop_until_it_falls(case):
    batch = mixed(case)
    result = batch.run()
    for b in range(len(SCALES)):
        # The policy itself, which tests/policies/test_mlp.py has: contacts multiply what another's rounding differs by.
        theta = np.repeat(batch.theta[:, [b]], 2, axis=1)
        policy = batch.setup.policy.bind(theta, batch.observer.mean, batch.observer.std)
        expected = plain_bodies.episode(
            PLAIN[case],
            batch.tasks[:, b],
            lambda seen, policy=policy: policy.act(np.repeat(seen[:, None], 2, axis=1))[:, 0],
            HORIZON,
        )
        seen = expected.observations[:-1]
        assert result.lengths[b] == expected.steps
        assert result.returns[b] == pytest.approx(expected.rewards.sum(), rel=1e-12, abs=1e-12)
        sums = np.concatenate([seen.sum(axis=0), (seen**2).sum(axis=0)])
        np.testing.assert_allclose(result.observation_sums[:, b], sums, rtol=1e-12, atol=1e-12)
    assert len(set(result.lengths.tolist())) > 5 and result.lengths[0] == HORIZON


@pytest.mark.parametrize("episodes", [1, 2])
def test_the_steps_of_a_unit_are_those_that_were_done(episodes, stepped):
    setup = mixed("noisy walker").setup
    setup = type(setup)(setup.policy, setup.family, setup.task_table, setup.streams, episodes)
    units = Units(Round(Phase.TRAIN, 3), np.array([[0, 1], [1, 0], [0, 1]]), np.arange(3))
    points = np.random.default_rng(0).normal(0.0, 0.3, (setup.policy.size, 3))
    outcome = Evaluator(setup, operator(queries=4)).evaluate(points, units, unscaled(17), before=True)
    assert np.all(outcome.tally.status == Status.OK)
    assert outcome.tally.rollouts.tolist() == 3 * [2 * 7 * episodes]  # before, pivot, four queries, after
    assert 8 * outcome.tally.steps.sum() == sum(stepped)
    assert len(set(outcome.tally.steps)) == 3 and outcome.tally.steps.max() < 2 * 7 * episodes * HORIZON


@pytest.mark.parametrize("case", ["noisy walker", "ant that feels"])
def test_one_episode_is_priced_for_every_task_up_to_its_end(case):
    batch = mixed(case)
    both = np.repeat(batch.setup.task_table[:, :, None], len(SCALES), axis=2)
    arguments = batch.noise, batch.observer, Workspace()
    priced = simulate(batch.setup.policy, batch.setup.family, batch.theta, both, *arguments)
    for t in range(2):
        one = simulate(batch.setup.policy, batch.setup.family, batch.theta, both[:, t], *arguments)
        assert np.array_equal(priced.returns[t], one.returns)
        assert np.array_equal(priced.lengths, one.lengths)
        assert np.array_equal(priced.observation_sums, one.observation_sums)
    assert not np.array_equal(*priced.returns)

"""The quadruped: that it walks, what that earns, how it falls, and that episodes do not depend on their batch."""

import dataclasses

import mujoco
import numpy as np
import pytest
from helpers import drive, same, task_table, unscaled

from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.simulate import simulate
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.quadruped.quantities import QUANTITIES
from esmaml_mpi.tasks.quadruped.simulation import LEGS
from esmaml_mpi.tasks.workspace import Workspace

NOMINAL, LEFT, RIGHT, SLIPPERY = range(1000, 1004)


def quadruped(horizon=None, **options):
    return make_family("quadruped", horizon, options)


def tasks_of(family, *ids):
    return np.stack([family.task_parameters(i, np.random.default_rng(i)) for i in ids], axis=1)


def start(family, tasks, noise=None):
    """A simulation that has been reset, and its observations."""
    simulation = family.simulation(tasks, noise, Workspace())
    observation = np.empty((family.observation_size, tasks.shape[1]))
    simulation.reset(observation)
    return simulation, observation


def walk(family, *ids, action=0.0):
    """Returns, lengths and observations of episodes with constant actions."""
    actions = np.full((family.horizon, family.action_size, len(ids)), action)
    return drive(family, tasks_of(family, *ids), actions)


def test_without_a_generator_actions_are_around_the_stand():
    family = quadruped(200, trajectory_generator=False)
    assert (family.action_size, family.observation_size) == (8, 12)
    simulation, observation = start(family, tasks_of(family, NOMINAL, LEFT))
    for _ in range(100):
        simulation.step(np.zeros((8, 2)), observation)
    assert np.all(np.abs(simulation.position[7:]) < 0.2) and np.all(simulation.position[2] > 0.19)
    assert np.all(np.abs(simulation.position[:2]) < 0.01)
    for _ in range(100):
        simulation.step(np.repeat([[0.0], [1.0]] * 4, 2, axis=1), observation)
    # Knees give way under the weight, one way at the front legs, the other way at the back legs.
    assert np.allclose(simulation.position[8::2].mean(axis=0), 0.15, atol=0.05)


def test_it_walks_and_is_slower_in_both_tests_of_the_real_robot():
    family = quadruped(energy_weight=0.0)
    metres, lengths, observations = walk(family, NOMINAL, LEFT, RIGHT, SLIPPERY)
    assert np.all(lengths == 300)
    assert 0.7 < metres[0] < 1.4
    assert np.all(metres[1:3] < 0.6 * metres[0]) and np.all(metres[1:3] > 0.1)
    assert metres[3] < 0.6 * metres[0]
    assert np.abs(observations[:, :2]).max() < 0.25  # roll and pitch


def test_a_body_has_the_masses_and_frictions_of_its_task():
    family = quadruped()
    tasks = tasks_of(family, NOMINAL, LEFT, RIGHT, 7)
    simulation, _ = start(family, tasks)
    models = [simulation.physics.get_model(i) for i in range(4)]
    assert [model.body_mass.sum() for model in models[:3]] == pytest.approx([6.0, 6.5, 6.5], abs=1e-3)
    sides = [model.body("load").pos[1] for model in models]
    assert sides[1] == -sides[2] > 0.1
    drawn = dict(zip(QUANTITIES, tasks[:, 3], strict=True))
    plain, mine = family.model, models[3]
    assert mine.body("base").mass[0] == pytest.approx(plain.body("base").mass[0] * drawn["base_mass"])
    assert np.allclose(mine.body("base").inertia, plain.body("base").inertia * drawn["base_mass"])
    assert np.allclose(mine.body_mass[3:], plain.body_mass[3:] * drawn["leg_mass"])
    for link in (f"{leg}_{link}" for leg in LEGS for link in ("thigh", "shank")):
        assert np.allclose(mine.body(link).inertia, plain.body(link).inertia * drawn["leg_mass"])
    assert np.allclose(models[1].body("load").inertia, 2 / 5 * 0.5 * 0.025**2)  # 500 g, a sphere of 25 mm
    assert [mine.geom(f"{leg}_foot").friction[0] for leg in LEGS] == pytest.approx([drawn["foot_friction"]] * 4)
    assert np.allclose(mine.dof_frictionloss[6:], drawn["joint_friction"]) and not mine.dof_frictionloss[:6].any()
    assert mine.body("base").subtreemass[0] == pytest.approx(mine.body_mass.sum())
    assert plain.body_mass.sum() == pytest.approx(6.0, abs=1e-3)  # the shared model is as it was


def joules(ids):
    """What the motors of robots that hold still do in 60 steps: |sum of torque times speed|, in each of MuJoCo's."""
    family = quadruped(60)
    simulation, observation = start(family, tasks_of(family, *ids))
    total, advance = np.zeros(len(ids)), simulation.advance

    def advanced(count):
        powers = (simulation.ctrl * simulation.qvel[:, 6:]).sum(axis=1)
        total[:] += np.abs(powers) * family.model.opt.timestep
        return advance(count)

    simulation.advance = advanced
    for _ in range(60):
        simulation.step(np.zeros((12, len(ids))), observation)
    return total


def test_the_reward_is_distance_less_its_costs():
    weights = dict(distance_weight=0.0, energy_weight=0.0)
    ids = (NOMINAL, LEFT, 3)
    position = start(quadruped(), tasks_of(quadruped(), *ids))[0].position
    family = quadruped(60, distance_weight=2.0, energy_weight=0.0)
    simulation, observation = start(family, tasks_of(family, *ids))
    path, ups = [position], []
    for _ in range(60):
        simulation.step(np.zeros((12, 3)), observation)
        path.append(simulation.position)
        rotations = np.empty((3, 9))
        for rotation, quaternion in zip(rotations, path[-1][3:7].T, strict=True):
            mujoco.mju_quat2Mat(rotation, quaternion)
        ups.append(rotations[:, [2, 5]].sum(axis=1))
    moved = np.diff(np.array(path)[:, :2], axis=0)
    assert np.allclose(walk(family, *ids)[0], 2.0 * moved[:, 0].sum(axis=0))
    limited = dataclasses.replace(family, speed_limit=0.1)
    assert np.allclose(walk(limited, *ids)[0], 2.0 * np.minimum(moved[:, 0], 0.001).sum(axis=0))
    drift = walk(quadruped(60, **{**weights, "drift_weight": 3.0}), *ids)[0]
    assert np.allclose(drift, -3.0 * np.abs(moved[:, 1]).sum(axis=0))
    shake = walk(quadruped(60, **{**weights, "shake_weight": 2.0}), *ids)[0]
    assert np.allclose(shake, -2.0 * np.abs(ups).sum(axis=0))
    energy = walk(quadruped(60, **{**weights, "energy_weight": 1.0}), *ids)[0]
    assert np.all((energy < -1.0) & (energy > -100.0))  # some tens of watts
    np.testing.assert_allclose(energy, -joules(ids), rtol=1e-9)


def test_a_robot_that_falls_is_over_and_is_not_stepped():
    family = quadruped(residual_limit=2.0, trajectory_generator=False)
    tasks = tasks_of(family, NOMINAL, NOMINAL, LEFT)
    over = np.array([[0.0, 1.0, 1.0]])
    actions = over * np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0])[:, None]  # all legs swing far forwards
    simulation, seen = start(family, tasks)
    for _ in range(60):
        simulation.step(actions.copy(), seen)
    assert simulation.running.tolist() == [True, False, False]
    still = simulation.qpos.copy()
    simulation.step(actions.copy(), seen)
    assert same(simulation.qpos[1:], still[1:]) and not same(simulation.qpos[0], still[0])
    _, x, y, _ = still[1:, 3:7].T
    assert np.all((1 - 2 * (x * x + y * y) < 0.85) | (still[1:, 2] < 0.13))
    endless = dataclasses.replace(family, height_low=-np.inf, upright_low=-1.0)
    simulation, seen = start(endless, tasks)
    for _ in range(120):
        simulation.step(actions.copy(), seen)
    assert simulation.running.all() and np.all(simulation.qpos[:, 2] > 0.02)  # it lies on the floor, not below it


def test_a_diverged_robot_fails_alone():
    family = quadruped(10)
    tasks = tasks_of(family, 0, 1, 2)
    expected = walk(family, 0, 1, 2)[0]
    simulation, seen = start(family, tasks)
    observations = np.empty((11, family.observation_size, 3))
    for t in range(10):
        if t == 4:
            simulation.qvel[1, 0] = np.nan
        simulation.step(np.zeros((12, 3)), seen)
        assert simulation.running.tolist() == [True, t < 4, True]
    rewards, over = simulation.rewards(observations, tasks)
    assert np.isnan(rewards[4, 1]) and over[:, 1].tolist() == [False] * 4 + [True] * 6
    assert np.allclose(rewards[:, [0, 2]].sum(axis=0), expected[[0, 2]])


@pytest.mark.parametrize(
    "options",
    [
        dict(
            observe=["attitude", "rates", "motor_angles", "motor_torques"],
            sensor_noise=[0.0, 0.05],
            reward_noise=0.1,
            residual_limit=0.8,
        ),
        dict(trajectory_generator=False, residual_limit=1.0),
    ],
)
def test_episodes_are_the_same_bits_in_any_batch_with_falls(options):
    family = quadruped(80, energy_weight=0.05, **options)
    policy = Policy(family.observation_size, family.action_size, (8,))
    generator, count = np.random.default_rng(4), 24
    parameters = 1.5 * np.stack([policy.initial(generator) for _ in range(count)], axis=1)
    parameters *= np.where(np.arange(count) % 5 == 0, 0.1, 1.0)  # a few that stay up
    tasks = task_table(family, count)
    noise = family.draw_noise(generator, count) if family.noise_size else None
    observer = unscaled(family.observation_size)

    def run(columns):
        drawn = None if noise is None else noise[:, columns]
        return simulate(policy, family, parameters[:, columns], tasks[:, columns], drawn, observer, Workspace())

    whole = run(np.arange(count))
    assert len(set(whole.lengths)) > 5 and (whole.lengths == 80).any() and np.isfinite(whole.returns).all()
    assert np.count_nonzero(whole.lengths < 80) > count // 2  # so that batches are narrowed
    for part in (np.array([7]), np.array([0]), np.arange(3), np.arange(5, 24), generator.permutation(count)):
        found = run(part)
        assert same(found.returns, whole.returns[part]) and same(found.lengths, whole.lengths[part])
        assert same(found.observation_sums, whole.observation_sums[:, part])


def test_a_robot_alone_earns_what_it_earns_among_others():
    """Also where the simulator's arrays of a single robot would do as they are."""
    family = make_family("quadruped", 40)
    actions = np.random.default_rng(3).uniform(-1, 1, (40, 12, 1))

    def episode(count):
        tasks = np.repeat(task_table(family, 1), count, axis=1)
        observations, simulation = np.zeros((41, 14, count)), family.simulation(tasks, None, Workspace())
        simulation.reset(observations[0])
        for step in range(40):
            simulation.step(np.repeat(actions[step], count, axis=1), observations[step + 1])
        return observations[..., 0], simulation.rewards(observations, tasks)[0][:, 0]

    (alone, earned), (among, expected) = episode(1), episode(3)
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(alone, among, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(earned, expected, rtol=1e-9, atol=1e-12)

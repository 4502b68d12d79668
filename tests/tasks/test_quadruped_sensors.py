"""What the quadruped measures: the state, late, and with noise."""

import dataclasses

import mujoco
import numpy as np
import pytest
from helpers import MOST_STANDARD_ERRORS, deviations, drive, same

from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.quadruped.quantities import ROW
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


def test_sensors_show_the_state():
    names = ["attitude", "rates", "quaternion", "motor_angles", "motor_velocities", "motor_torques"]
    family = quadruped(observe=names, latency=[0, 0])
    assert family.observation_size == 32 + 2
    simulation, seen = start(family, tasks_of(family, LEFT, 3))
    for _ in range(40):
        simulation.step(np.full((12, 2), 0.3), seen)
    position, velocity = simulation.qpos.T, simulation.qvel.T
    for column, quaternion in enumerate(position[3:7].T):
        rotation = np.empty(9)
        mujoco.mju_quat2Mat(rotation, quaternion)
        assert np.sin(seen[1, column]) == pytest.approx(-rotation[6])
        assert np.tan(seen[0, column]) == pytest.approx(rotation[7] / rotation[8])
    assert np.all(np.abs(seen[:2]) > 1e-4)
    expected = [velocity[3:5], position[3:7], position[7:], velocity[6:], simulation.ctrl.T]
    assert same(seen[2:32], np.concatenate(expected)) and same(seen[32:], simulation.generator.phases())


def test_latency_shows_what_was_between_two_steps():
    now, late = quadruped(40, latency=[0, 0]), quadruped(40, latency=[25, 25])
    much = quadruped(40, latency=[0, 40])
    tasks = np.repeat(tasks_of(now, NOMINAL), 4, axis=1)
    actions = np.repeat(np.random.default_rng(0).uniform(-0.5, 0.5, (40, 12, 1)), 4, axis=2)
    fresh = drive(now, tasks, actions)[2][:, :, 0]
    tasks[ROW["latency"]] = [25.0, 0.0, 40.0, 7.0]
    old = drive(much, tasks, actions)[2]
    first = np.concatenate([np.repeat(fresh[:1], 4, axis=0), fresh])  # before the start it stood as at the start
    sensors, at = slice(0, 12), slice(4, None)
    assert np.allclose(old[:, sensors, 0], 0.5 * (first[2:-2] + first[1:-3])[:, sensors])
    assert same(old[:, sensors, 1], fresh[:, sensors])
    assert same(old[:, sensors, 2], first[:-4, sensors])
    assert np.allclose(old[:, sensors, 3], 0.3 * first[at, sensors] + 0.7 * first[3:-1, sensors])
    assert same(old[:, 12:], np.repeat(fresh[:, 12:, None], 4, axis=2))  # the phase is not late
    assert same(drive(late, tasks[:, [0, 0]], actions[:, :, :2])[2][:, :, 0], old[:, :, 0])


def test_sensor_noise_is_that_of_the_task_and_spares_the_phase():
    quiet, noisy = quadruped(20), quadruped(20, sensor_noise=[0.01, 0.03])
    assert (quiet.noise_size, noisy.noise_size) == (0, 20 * 12)
    tasks = tasks_of(noisy, 1, 2, 3)
    noise = noisy.draw_noise(np.random.default_rng(5), 3)
    actions = np.zeros((20, 12, 3))
    clean, seen = drive(quiet, tasks, actions)[2], drive(noisy, tasks, actions, noise)[2]
    units = np.array([1.0, 1.0, 10.0, 10.0] + [1.0] * 8)[:, None] * tasks[ROW["sensor_noise"]]
    assert np.allclose((seen - clean)[:20, :12], units * noise.reshape(20, 12, 3))
    assert same(seen[:, 12:], clean[:, 12:])
    many = noisy.draw_noise(np.random.default_rng(6), 200).ravel()
    assert abs(deviations(many, 0.0)) < MOST_STANDARD_ERRORS and abs(deviations(many**2, 1.0)) < MOST_STANDARD_ERRORS


def test_reward_noise_is_one_number_a_return_and_the_last_that_is_drawn():
    noisy = quadruped(20, sensor_noise=[0.01, 0.03], reward_noise=0.5)
    quiet = dataclasses.replace(noisy, reward_noise=0.0)
    assert noisy.noise_size == quiet.noise_size + 1
    tasks, actions = tasks_of(noisy, 1, 2, 3), np.zeros((20, 12, 3))
    noise = noisy.draw_noise(np.random.default_rng(5), 3)
    returns = drive(noisy, tasks, actions, noise)[0] - drive(quiet, tasks, actions, noise[:-1])[0]
    assert np.allclose(returns, 0.5 * noise[-1])

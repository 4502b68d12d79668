"""The quadruped's motors and trajectory generator against values worked out by hand."""

import mujoco
import numpy as np
import pytest
from helpers import same

from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.quadruped.gait import TURN, Generator, leg_angles
from esmaml_mpi.tasks.quadruped.motors import Motors
from esmaml_mpi.tasks.quadruped.simulation import LEGS


def quadruped(horizon=None, **options):
    return make_family("quadruped", horizon, options)


@pytest.mark.parametrize(
    "error, velocity, kd, volts, strength, viscous, expected",
    [
        (0.0, 0.0, 0.02, 16.8, 1.0, 0.0, 0.0),
        (0.1, 0.0, 0.02, 16.8, 1.0, 0.0, 0.9032),  # 1.68 V, 9.03 A
        (-0.1, 0.0, 0.02, 16.8, 1.0, 0.0, -0.9032),
        (0.1, 0.0, 0.02, 10.0, 1.0, 0.0, 0.5376),  # 1 V, 5.38 A
        (2.0, 0.0, 0.02, 16.8, 1.0, 0.0, 3.5),  # pulses at their widest, 90 A: saturated
        (2.0, 0.0, 0.02, 16.8, 0.8, 0.0, 2.8),
        (2.0, 0.0, 0.02, 10.0, 1.0, 0.0, 3.3441),  # 53.76 A
        (0.0, 50.0, 0.0, 16.8, 1.0, 0.0, -2.2105),  # back-EMF 4.77 V, 25.65 A
        (0.0, 50.0, 0.0, 16.8, 1.0, 0.05, -2.9497),  # 7.27 V, 39.09 A
        (0.5, 4.0, 0.02, 16.8, 1.0, 0.0, 2.7736),  # width 0.42; 7.056 - 0.3816 V, 35.88 A
        (0.0, -1000.0, 0.0, 16.8, 1.0, 0.0, 3.5),
    ],
)
def test_torques_of_a_motor(error, velocity, kd, volts, strength, viscous, expected):
    motors = Motors(1.0, kd, *(np.full(3, value) for value in (volts, strength, viscous)))
    torques = motors.torques(np.full((2, 3), 0.3 + error), np.full((2, 3), 0.3), np.full((2, 3), velocity))
    assert np.allclose(torques, expected, atol=6e-4) and torques.shape == (2, 3)


def test_each_robot_has_its_own_motors():
    motors = Motors(1.0, 0.0, np.array([16.8, 10.0]), np.array([1.0, 0.5]), np.zeros(2))
    still = np.zeros((8, 2))
    torques = motors.torques(still + 0.1, still, still)
    assert np.allclose(torques[:, 0], 0.9032, atol=1e-4) and np.allclose(torques[:, 1], 0.2688, atol=1e-4)
    motors.narrow(np.array([1]))
    assert same(motors.torques(still[:, :1] + 0.1, still[:, :1], still[:, :1]), torques[:, 1:])


def test_leg_angles_put_feet_where_they_are_asked_to():
    model = quadruped().model
    data = mujoco.MjData(model)
    swing, length = np.array([0.3, -0.2, 0.0, 0.1])[:, None], np.array([0.17, 0.2, 0.19, 0.15])[:, None]
    data.qpos[7:] = leg_angles(swing, length)[:, 0]
    mujoco.mj_kinematics(model, data)
    for i, leg in enumerate(LEGS):
        foot = data.geom(f"{leg}_foot").xpos - data.body(f"{leg}_thigh").xpos
        assert np.allclose(foot, length[i] * [np.sin(swing[i, 0]), 0.0, -np.cos(swing[i, 0])], atol=1e-9)


def test_legs_that_are_asked_for_too_much_stay_within_their_joints():
    joints = quadruped().model.jnt_range[1:]
    for length in (0.0, 0.3):
        angles = leg_angles(np.zeros((4, 1)), np.full((4, 1), length))[:, 0]
        assert np.all((angles > joints[:, 0]) & (angles < joints[:, 1]))


def generator(batch=2, **options):
    family = quadruped(**options)
    return Generator(family.make_gait(), family.seconds, batch)


def test_phase_without_a_policy_runs_at_the_generators_frequency():
    free = generator(frequency=2.5)
    for _ in range(17):  # 0.17 s, 0.425 of a cycle
        free.step(np.zeros((4, 2)))
    assert np.allclose(free.phases(), [[np.sin(TURN * 0.425)], [np.cos(TURN * 0.425)]])
    for _ in range(40):
        free.step(np.zeros((4, 2)))
    assert np.allclose(free.phase, TURN * 0.425)


def test_a_policy_sets_the_ends_of_each_range_and_the_low_pass_follows():
    modulated = generator(4, speed=[0.5, 2.0], intensity=[0.2, 1.4], height=[-0.02, 0.01], swing_ratio=[0.5, 4.0])
    actions = np.repeat([[-1.0, 1.0, 0.0, 0.5]], 4, axis=0)
    modulated.step(actions)
    follows = 1 - np.exp(-TURN * 3.0 * 0.01)
    assert np.allclose(modulated.modulation[0], 1 + follows * np.array([-0.5, 1.0, 0.0, 0.5]))
    assert np.allclose(modulated.modulation[1], follows * np.array([0.2, 1.4, 1.0, 1.2]))  # starts from the stand
    for _ in range(300):
        modulated.step(actions)
    expected = [[0.5, 2.0, 1.0, 1.5], [0.2, 1.4, 1.0, 1.2], [-0.02, 0.01, 0.0, 0.005], [0.5, 4.0, 1.0, 2.5]]
    assert np.allclose(modulated.modulation, expected)
    before = modulated.phase
    modulated.step(actions)
    assert np.allclose((modulated.phase - before) % TURN, TURN * 2.0 * 0.01 * np.array(expected[0]))


def test_feet_go_back_in_stance_and_are_lifted_in_swing():
    family = quadruped(frequency=1.0, swing_ratio=[1.0, 3.0])
    trot = Generator(family.make_gait(), family.seconds, 2)
    lifted, hips = [], []
    for step in range(300):
        angles = trot.step(np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]))
        if step >= 200:
            hips.append(angles[0::2])
            lifted.append(np.abs(angles[1::2]) > 1e-6)
    lifted, hips = np.array(lifted), np.array(hips)
    assert np.allclose(lifted.mean(axis=0), [[0.5, 0.75]] * 4, atol=0.02)  # ratio 1, and 3
    assert same(lifted[:, 0], lifted[:, 3]) and same(lifted[:, 1], lifted[:, 2])  # diagonal legs
    assert not np.any(lifted[:, 0] & lifted[:, 1], axis=0)[0]
    down = ~lifted[1:] & ~lifted[:-1]
    assert np.all(np.diff(hips, axis=0)[down] < 1e-12)

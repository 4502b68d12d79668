"""Order, signs and units of the quadruped's observations and actions, as docs/quadruped.md has them."""

import numpy as np
import pytest

from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.interface import interface_of
from esmaml_mpi.tasks.quadruped.sensors import LEGS, measure
from esmaml_mpi.tasks.workspace import Workspace

mujoco = pytest.importorskip("mujoco")
FAMILY = make_family("quadruped")
NAMES = interface_of(FAMILY).observation_names


@pytest.fixture
def data():
    data = mujoco.MjData(FAMILY.model)
    mujoco.mj_forward(FAMILY.model, data)
    return data


def observed(data):
    out = np.empty((12, 1))
    measure(FAMILY.observe, data.qpos[:, None], data.qvel[:, None], np.zeros((8, 1)), out)
    return dict(zip(NAMES, out[:, 0], strict=False))


@pytest.mark.parametrize("axis, name", [(0, "roll (rad)"), (1, "pitch (rad)")])
def test_attitude_is_right_handed_about_forwards_and_left(data, axis, name):
    half = 0.05
    data.qpos[3:7] = [np.cos(half), *(np.sin(half) * np.eye(3)[axis])]
    mujoco.mj_forward(FAMILY.model, data)
    seen = observed(data)
    assert seen[name] == pytest.approx(0.1) and sum(abs(value) for value in seen.values()) == pytest.approx(0.1)
    thigh = lambda leg: data.body(f"{leg}_thigh").xpos[2]  # noqa: E731
    if name.startswith("roll"):
        assert thigh("front_left") > thigh("front_right")
    else:
        assert thigh("front_left") < thigh("back_left")  # the nose is lower


@pytest.mark.parametrize("axis, name", [(3, "roll rate (rad/s)"), (4, "pitch rate (rad/s)")])
def test_rates_are_about_the_same_axes(data, axis, name):
    data.qvel[axis] = 0.7
    assert observed(data)[name] == 0.7


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("joint", ["hip", "knee"])
def test_positive_motor_angles_swing_what_is_below_forwards(data, leg, joint):
    before = data.geom(f"{leg}_foot").xpos.copy()
    data.joint(f"{leg}_{joint}").qpos = 0.2
    mujoco.mj_forward(FAMILY.model, data)
    assert data.geom(f"{leg}_foot").xpos[0] > before[0]
    name = f"{leg.replace('_', ' ')} {joint} angle (rad)"
    seen = observed(data)
    assert seen.pop(name) == 0.2 and not any(seen.values())
    if joint == "knee":  # more of a bend brings the foot nearer to the hip
        hip = data.body(f"{leg}_thigh").xpos
        nearer = np.linalg.norm(data.geom(f"{leg}_foot").xpos - hip) < np.linalg.norm(before - hip)
        assert nearer == leg.startswith("front")


def test_each_residual_moves_its_own_motor():
    tasks = FAMILY.task_parameters(1000, np.random.default_rng())
    names = interface_of(FAMILY).action_names
    for motor in range(8):
        moved = []
        for residual in (0.0, 1.0):
            simulation = FAMILY.simulation(tasks[:, None], None, Workspace())
            observations = np.zeros((14, 1))
            simulation.reset(observations)
            action = np.zeros((12, 1))
            action[8:10] = -1.0  # the generator stands still
            action[motor] = residual
            for _ in range(15):
                simulation.step(action.copy(), observations)
            moved.append(simulation.position[7:, 0].copy())
        change = np.abs(moved[1] - moved[0])
        assert np.argmax(change) == motor and moved[1][motor] > moved[0][motor], names[motor]

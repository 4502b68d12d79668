"""MuJoCo's timing of its own steps is off, and the steps are the same."""

import mujoco
import pytest

from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.locomotion import stopwatch
from esmaml_mpi.tasks.locomotion.simulation import BodySimulation
from esmaml_mpi.tasks.workspace import Workspace

FAMILY = make_family("walker2d_forward_backward", 200, {})
STEPS = 50


def stepped():
    """Bytes of the state after some steps, and the seconds that MuJoCo says they took."""
    data = mujoco.MjData(FAMILY.model)
    data.ctrl[:] = 0.3
    mujoco.mj_step(FAMILY.model, data, nstep=STEPS)
    return data.qpos.tobytes() + data.qvel.tobytes(), data.timer[int(mujoco.mjtTimer.mjTIMER_STEP)].duration


@pytest.fixture
def clock():
    """MuJoCo's pointer, as the package sets it; it stands again where it stood."""
    pointer = stopwatch.clock()
    before = pointer.value
    mujoco.set_mjcb_time(None)
    yield pointer
    mujoco.set_mjcb_time(None)
    pointer.value = before


def test_simulations_are_not_timed_and_come_out_the_same(clock):
    assert clock.value
    stopwatch.switch_off.cache_clear()
    state, duration = stepped()
    assert duration > 0
    BodySimulation(FAMILY.model, 1, STEPS, Workspace())
    assert not clock.value and stepped() == (state, 0.0)


def test_a_function_of_the_users_stays(clock):
    calls = []
    mujoco.set_mjcb_time(lambda: float(len(calls.append(0) or calls)))
    stopwatch.switch_off.cache_clear()
    BodySimulation(FAMILY.model, 1, STEPS, Workspace())
    stepped()
    assert calls

"""Painters: frames of the right size that follow the episode."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from films import needs_opengl
from helpers import FlakySimulation, rollout_setup, task_table

from esmaml_mpi.errors import FamilyError, UsageError
from esmaml_mpi.rendering import make_painter, offscreen
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")

DRAWN = {
    "four_corners": {},
    "navigation_2d": {"variant": "finn"},
    "six_circles": {"subset": 2},
    "sinusoid": {},
    "cartpole_sensor_bias": {"observe_velocities": False},
}
BODIES = ["half_cheetah_forward_backward", "ant_goal_position", "walker2d_random_parameters"]


@pytest.fixture(scope="module")
def opengl():
    needs_opengl()


def frames(family, width=160, height=130, steps=8, push=0.9):
    """Frames of the first of two episodes at the start and after each step, all actions ``push``."""
    tasks = task_table(family, 2)
    noise = family.draw_noise(np.random.default_rng(1), 2) if family.noise_size else None
    simulation, painter = family.simulation(tasks, noise, Workspace()), make_painter(family, width, height)
    observations = np.empty((steps + 1, family.observation_size, 2))
    simulation.reset(observations[0])
    made = [painter.frame(simulation, 0, observations[:1], tasks)]
    for t in range(steps):
        simulation.step(np.full((family.action_size, 2), push), observations[t + 1])
        made.append(painter.frame(simulation, 0, observations[: t + 2], tasks))
    painter.close()
    return made


def differing(first, second):
    """Share of pixels that differ visibly."""
    return np.mean(np.any(np.abs(first.astype(int) - second) > 30, axis=2))


def check(made, width, height):
    for frame in made:
        assert frame.shape == (height, width, 3) and frame.dtype == np.uint8
        assert frame.std() > 5  # not one colour
    for before, after in itertools.pairwise(made[::4]):  # a single step may be less than a pixel
        assert differing(before, after) > 1e-4


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("size", [(160, 130), (333, 477)])
def test_frames_have_the_size_asked_for_and_change_with_the_episode(name, size):
    check(frames(make_family(name, 20, DRAWN[name]), *size), *size)


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_in_view_and_move(name, opengl):
    made = frames(make_family(name, 20), 200, 150)
    check(made, 200, 150)
    assert differing(made[0], made[-1]) > 0.005
    assert 40 < made[-1].mean() < 220  # neither dark nor glaring


def test_each_column_is_drawn_with_its_own_model(opengl):
    family = make_family("half_cheetah_forward_backward", 20)
    tasks, painter = np.array([[1.0, -1.0]]), make_painter(family, 160, 120)
    simulation = family.simulation(tasks, None, Workspace())
    observations = np.empty((6, family.observation_size, 2))
    simulation.reset(observations[0])
    for t in range(5):
        simulation.step(np.tile([0.9, -0.9], (6, 1)), observations[t + 1])
    first, second = (painter.frame(simulation, i, observations, tasks) for i in range(2))
    assert differing(first, second) > 0.005
    assert np.array_equal(first, painter.frame(simulation, 0, observations, tasks))
    painter.close()


def test_an_open_plane_is_widened_until_the_path_is_in_view():
    family = make_family("navigation_2d", 100, {"variant": "finn"})
    painter = make_painter(family, 160, 160)
    path = np.zeros((2, 2, 1))
    painter.frame(None, 0, path, np.array([[0.3], [0.2]]))
    small = painter.shown
    path[1, 0] = 40.0
    painter.frame(None, 0, path, np.array([[0.3], [0.2]]))
    assert small < 2 and painter.shown > 40


def test_goals_that_were_visited_look_different():
    family = make_family("six_circles", 10, {"subset": 2})
    task = task_table(family, 1)
    there = family.centres[0]
    path = np.array([[0.0, 0.0], there, [0.0, 0.0]])[:, :, None]
    nearly = path.copy()
    nearly[1] *= 0.9
    painter = make_painter(family, 300, 300)
    assert differing(painter.frame(None, 0, path, task), painter.frame(None, 0, nearly, task)) > 0.0005


class SelfDrawn(FlakySimulation):
    def frame(self, column):
        return np.full((40, 20, 3), 10 * (column + 1) + self.steps, dtype=np.uint8)


class Unknown:
    """A family that is no known kind."""

    name, simulated = "unknown", None


def test_a_simulation_that_draws_itself_is_scaled_without_distortion():
    setup = rollout_setup()
    simulation = SelfDrawn(setup.family, np.zeros(2, dtype=bool), Workspace())
    painter = make_painter(Unknown(), 100, 80)
    frame = painter.frame(simulation, 1, np.zeros((1, 2, 2)), np.zeros((2, 2)))
    assert frame.shape == (80, 100, 3)
    assert np.all(frame[:, 30:70] == 20) and np.all(frame[:, :30] == 255) and np.all(frame[:, 70:] == 255)


def test_a_wrong_frame_and_a_family_that_cannot_be_drawn_are_refused():
    class Wrong:
        def frame(self, column):
            return np.zeros((40, 20, 4))

    for simulation, words in ((Wrong(), "float64"), (object(), "frame")):
        with pytest.raises(FamilyError, match=f"unknown.*{words}"):
            make_painter(Unknown(), 100, 80).frame(simulation, 0, np.zeros((1, 2, 1)), np.zeros((2, 1)))


def test_without_opengl_the_message_says_what_to_install(monkeypatch):
    pytest.importorskip("mujoco")
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(offscreen, "works", lambda backend: False)
    offscreen.choose.cache_clear()
    try:
        with pytest.raises(UsageError, match=r"neither EGL nor OSMesa.*apt-get install libegl1"):
            frames(make_family("half_cheetah_forward_backward", 5))
    finally:
        offscreen.choose.cache_clear()


def test_a_back_end_that_ends_the_process_is_only_found_not_to_work(monkeypatch):
    pytest.importorskip("mujoco")
    monkeypatch.setattr(offscreen, "TRIAL", "import os; os.abort()")
    assert not offscreen.works("egl")
    monkeypatch.setattr(offscreen, "TRIAL", "pass")
    assert offscreen.works("egl")


def test_point_tasks_are_drawn_without_mujoco_and_bodies_chosen_without_matplotlib():
    code = """
import sys
from esmaml_mpi.rendering import make_painter
from esmaml_mpi.tasks import make_family
make_painter(make_family("four_corners"), 100, 100)
assert "mujoco" not in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    code = code.replace("four_corners", "swimmer_goal_velocity").replace('"mujoco"', '"matplotlib"')
    pytest.importorskip("mujoco")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

"""Tasks in words, and captions that hold them."""

import numpy as np
import pytest

from esmaml_mpi.rendering.words import task_in_words
from esmaml_mpi.tasks import make_family

pytest.importorskip("PIL")

POINTS_AND_CURVES = [
    ("four_corners", {}, [2.0, -2.0], "goal (2, -2)"),
    ("navigation_2d", {}, [0.123456, 0.5], "goal (0.123, 0.5)"),
    ("six_circles", {"subset": 2}, [0, 1, 0, 0, 1, 0], "correct goals: 2, 5 of 6"),
    ("sinusoid", {}, [3.14159, 0.5], "amplitude 3.14, phase 0.5 rad"),
    ("cartpole_sensor_bias", {}, [np.pi / 18], "sensor off by +10.00 degrees"),
]
BODIES = [
    ("ant_forward_backward", [-1.0], "backwards"),
    ("ant_direction", [0.0, 1.0], "direction 90 degrees"),
    ("ant_goal_velocity", [1.5], "goal velocity 1.5 m/s"),
    ("ant_goal_position", [1.0, -2.5], "goal (1, -2.5) m"),
    ("walker2d_random_parameters", np.ones(60), "60 parameters"),
]


@pytest.mark.parametrize("name, options, task, words", POINTS_AND_CURVES)
def test_tasks_of_points_and_curves(name, options, task, words):
    assert task_in_words(make_family(name, 10, options), np.array(task)) == words


@pytest.mark.parametrize("name, task, words", BODIES)
def test_tasks_of_bodies(name, task, words):
    pytest.importorskip("mujoco")
    assert task_in_words(make_family(name, 10), np.array(task)) == words


@pytest.mark.parametrize("width", [120, 480, 1920])
def test_a_long_line_is_not_cut_off_and_a_mark_is_on_its_panel_alone(width):
    from esmaml_mpi.rendering.caption import GAP, PAPER, Page

    page, panel = Page(width, 120), np.zeros((120, width, 3), dtype=np.uint8)
    line = "half_cheetah_goal_velocity, task 12: goal velocity 1.25 m/s"
    frame = page.compose([panel, panel], [["adapted policy", line, "0.00 s"]] * 2, ["", "over"])
    assert frame.shape[0] % 2 == 0 and frame.shape[1] % 2 == 0
    assert np.all(frame[: page.top, width : width + GAP] == PAPER)  # no text beside its panel
    assert np.any(frame[: page.top, :width] != PAPER)
    assert np.all(frame[page.top : page.top + 120, :width] == 0)
    assert np.any(frame[page.top : page.top + 120, width + GAP :] != 0)

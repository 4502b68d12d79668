"""The ``render`` command: what it writes can be read back, and shows what `esmaml evaluate` scores."""

import json

import numpy as np
import pytest
from films import STEPS, needs_opengl, only, train

from esmaml_mpi.commands.main import main
from esmaml_mpi.rendering.pair import Pair
from esmaml_mpi.rendering.video import HOLD, write_video
from esmaml_mpi.trained.from_file import find_trained

iio = pytest.importorskip("imageio.v3")
pytest.importorskip("imageio_ffmpeg")
pytest.importorskip("matplotlib")


def test_a_video_has_a_frame_for_each_step_and_stays_at_the_last(render, tmp_path):
    code, path, _ = render("run.mp4", "--task", "1")
    frames = iio.imread(path, plugin="FFMPEG")
    about = iio.immeta(path, plugin="FFMPEG")
    assert code == 0 and only(tmp_path, "run.mp4")
    assert len(frames) == STEPS + 1 + round(20 * HOLD) and about["fps"] == 20
    assert about["codec"] == "h264" and about["pix_fmt"].startswith("yuv420p")
    height, width = frames.shape[1:3]
    assert width == 2 * 160 + 8 and 120 < height < 200 and height % 2 == 0
    assert np.abs(frames[0].astype(int) - frames[STEPS]).max() > 50
    assert np.abs(frames[-1].astype(int) - frames[STEPS]).max() < 50  # the encoder may still refine it


def test_a_gif_has_the_same_frames(render):
    code, path, _ = render("run.GIF", "--fps", "10", "--speed", "0.5")
    frames = iio.imread(path, plugin="pillow")
    assert code == 0 and len(frames) == STEPS + 1
    assert frames.shape[2] == 2 * 160 + 8
    assert iio.immeta(path, plugin="pillow", index=0)["duration"] == 100


@pytest.mark.parametrize("fps", [30, 50])
def test_a_gif_takes_as_long_as_its_steps(render, fps):
    code, path, _ = render("run.gif", "--fps", str(fps))
    count = len(iio.imread(path, plugin="pillow"))  # of equal frames in a row one is kept, for as long as all
    whole = sum(iio.immeta(path, plugin="pillow", index=i)["duration"] for i in range(count))
    assert code == 0 and whole == pytest.approx(
        1000 * (STEPS / 20 + 1), abs=20
    )  # 20 steps a second, and the last stays


def test_frames_are_skipped_where_steps_are_more_frequent(render):
    code, path, _ = render("run.gif", "--speed", "4")  # 80 steps a second, 20 frames
    assert code == 0 and len(iio.imread(path, plugin="pillow")) == STEPS // 4 + 1


def test_a_picture_shows_both_paths(render, tmp_path):
    code, path, _ = render("run.png", "--width", "400", "--height", "400")
    picture = iio.imread(path)
    assert code == 0 and picture.shape[1] == 400 and only(tmp_path, "run.png")
    blue = np.all(np.abs(picture.astype(int) - (0, 114, 178)) < 40, axis=2)
    grey = np.all(np.abs(picture.astype(int) - 127) < 12, axis=2)
    assert blue.sum() > 20 and grey.sum() > 20


@pytest.mark.parametrize("name", ["four_corners", "sinusoid", "cartpole_sensor_bias"])
def test_the_adapted_episode_is_the_one_that_evaluate_scores(name, tmp_path):
    path = train(tmp_path / "run.h5", name=name)
    assert main(["evaluate", str(path), "--repeats", "1", "--seed", "5", "--json", str(tmp_path / "told.json")]) == 0
    told = json.loads((tmp_path / "told.json").read_text())
    trained = find_trained(path, "last", [], 5)
    for task, after in zip(told["tasks"], told["after"], strict=True):
        last = list(Pair(trained, task, 5).play())[-1]
        assert last.returns[1] == pytest.approx(after[0], rel=1e-12)


def test_both_episodes_start_alike_and_an_ended_one_stays_so(tmp_path):
    path = train(tmp_path / "run.h5", name="cartpole_sensor_bias", horizon=100, options={"angle_limit": 0.06})
    trained = find_trained(path, "last", [], 0)
    pair = Pair(trained, 1, 0)
    moments = list(pair.play())
    assert np.array_equal(moments[0].observations[0, :, 0], moments[0].observations[0, :, 1])
    assert np.any(moments[0].observations[0] != 0.0)
    for i in range(2):
        ended = [moment for moment in moments if moment.over[i]]
        assert ended, "a policy that has hardly learnt anything lets the pole lean"
        assert {moment.lengths[i] for moment in ended} == {ended[0].step}
        assert {moment.returns[i] for moment in ended} == {ended[0].step - 1.0}  # the last step earns nothing


DRAWING = """
import gymnasium, numpy as np

class Lamp(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (1,), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float64)

    def __init__(self, offset=0.0, render_mode=None):
        self.offset, self.render_mode = offset, render_mode

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1), {}

    def step(self, action):
        self.steps += 1
        return np.full(1, self.offset), 1.0, False, False, {}

    def render(self):
        return np.full((30, 40, 3), 20 * self.steps, np.uint8) if self.render_mode == "rgb_array" else None
"""


def test_an_environment_is_made_so_that_it_draws(render, tmp_path, monkeypatch):
    pytest.importorskip("gymnasium")
    (tmp_path / "lamp_of_a_test.py").write_text(DRAWING)
    monkeypatch.syspath_prepend(tmp_path)
    options = {"environment": "lamp_of_a_test:Lamp", "vary": {"offset": [0.25, 0.5]}}
    results = train(tmp_path / "run.h5", name="gymnasium", options=options)
    code, path, _ = render("run.gif", results=results)
    frames = iio.imread(path, plugin="pillow")
    assert code == 0 and len(frames) == STEPS + 1
    assert frames[:, -60, 80].tolist() == [[20 * t] * 3 for t in range(STEPS + 1)]


def test_an_environment_without_a_render_mode_draws_itself_or_says_how(render, tmp_path, monkeypatch):
    pytest.importorskip("gymnasium")
    plain = DRAWING.replace(", render_mode=None", "").replace(", self.render_mode = offset, render_mode", " = offset")
    draws = plain.replace(' if self.render_mode == "rgb_array" else None', "").replace("class Lamp", "class Shown")
    dark = plain[: plain.index("    def render")].replace("class Lamp", "class Dark")
    (tmp_path / "unmoded_lamp_of_a_test.py").write_text(draws + dark)
    monkeypatch.syspath_prepend(tmp_path)
    said = {"Shown": "", "Dark": "a method render() is wanted"}
    for name, code in (("Shown", 0), ("Dark", 2)):
        options = {"environment": f"unmoded_lamp_of_a_test:{name}", "vary": {"offset": [0.25, 0.5]}}
        options["vary_as"] = "attribute"
        results = train(tmp_path / f"{name}.h5", name="gymnasium", options=options)
        found, _, error = render(f"{name}.gif", results=results)
        assert found == code and said[name] in error


def test_a_body_is_filmed_in_real_time(render, tmp_path):
    needs_opengl()
    results = train(tmp_path / "run.h5", name="half_cheetah_forward_backward", horizon=5)
    code, path, _ = render("run.mp4", results=results)
    assert code == 0
    assert iio.immeta(path, plugin="FFMPEG")["fps"] == 20  # steps of 0.05 s
    assert len(iio.imread(path, plugin="FFMPEG")) == 6 + 20


def test_a_video_beside_the_threads_of_jax(tmp_path, recwarn):
    """Python code between fork and exec may hang there; JAX warns of it."""
    pytest.importorskip("jax").numpy.zeros(3).block_until_ready()
    write_video(tmp_path / "a.mp4", [np.zeros((32, 32, 3), dtype=np.uint8)] * 3, fps=10)
    assert (tmp_path / "a.mp4").exists() and not [each for each in recwarn if "fork" in str(each.message)]

"""What ``render`` refuses, and that it never leaves half a file."""

import os
import signal
import subprocess
import sys
import time

import pytest
from films import only, train

from esmaml_mpi.errors import UserError
from esmaml_mpi.rendering import video

pytest.importorskip("imageio_ffmpeg")
pytest.importorskip("matplotlib")


def test_an_existing_file_is_left_alone_unless_it_may_be_replaced(render, tmp_path):
    (tmp_path / "run.png").write_text("mine")
    code, path, error = render("run.png")
    assert code == 2 and "--overwrite" in error and path.read_text() == "mine"
    assert render("run.png", "--overwrite")[0] == 0
    assert path.read_bytes().startswith(b"\x89PNG") and only(tmp_path, "run.png")


@pytest.mark.parametrize("name", ["run.mp4", "run.gif"])
def test_a_failure_on_the_way_leaves_no_file_and_keeps_the_old_one(name, render, tmp_path, monkeypatch):
    from esmaml_mpi.rendering.top_view import TopView

    calls, draw = [], TopView.frame

    def fail(self, *arguments):
        calls.append(None)
        if len(calls) > 9:
            raise KeyboardInterrupt
        return draw(self, *arguments)

    monkeypatch.setattr(TopView, "frame", fail)
    code, _, error = render(name)
    assert code == 130 and "interrupted" in error and only(tmp_path)
    (tmp_path / name).write_text("mine")
    calls.clear()
    assert render(name, "--overwrite")[0] == 130
    assert (tmp_path / name).read_text() == "mine" and only(tmp_path, name)


def test_a_terminated_process_leaves_no_file(corners, tmp_path):
    command = [sys.executable, "-m", "esmaml_mpi", "render", str(corners), "--output", str(tmp_path / "run.mp4")]
    process = subprocess.Popen(
        [*command, "--speed", "0.01", "--fps", "30"], stderr=subprocess.PIPE
    )  # seconds of repeated frames
    deadline = time.monotonic() + 30
    while not os.listdir(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not only(tmp_path, "run.mp4")
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and b"interrupted" in error and only(tmp_path)


@pytest.mark.parametrize(
    "name, options, words",
    [
        ("run.avi", [], ".mp4, .gif, .png"),
        ("run.mp4", ["--task", "4"], "tasks 0 to 3"),
        ("run.mp4", ["--task", "-1"], "--task -1"),
        ("run.mp4", ["--at", "soon"], "--at soon"),
        ("run.mp4", ["--seed", "-2"], "--seed -2"),
        ("run.mp4", ["--set", "meta.sigma=1"], "adaptation"),
        ("run.mp4", ["--width", "10"], "--width 10: 120 to 4096"),
        ("run.mp4", ["--fps", "nan"], "--fps nan"),
        ("run.mp4", ["--speed", "0"], "--speed 0"),
        ("run.gif", ["--fps", "60"], "--fps 60: a GIF has at most 50 frames"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(name, options, words, render, tmp_path):
    code, _, error = render(name, *options)
    assert code == 2 and words in error and error.count("\n") == 1 and only(tmp_path)


def test_several_ranks_are_refused(render, monkeypatch, tmp_path):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    code, _, error = render("run.png")
    assert code == 2 and "one process, not 4 ranks" in error and only(tmp_path)


@pytest.mark.parametrize("missing, name", [("imageio", "run.mp4"), ("PIL", "run.gif"), ("matplotlib", "run.png")])
def test_a_missing_library_is_named_with_its_remedy(missing, name, render, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, error = render(name)
    assert code == 2 and missing in error and 'pip install "esmaml-mpi[render]"' in error


def test_a_back_end_that_was_asked_for_and_does_not_work_is_named(render, tmp_path, monkeypatch):
    pytest.importorskip("mujoco")
    results = train(tmp_path / "run.h5", name="half_cheetah_forward_backward", horizon=2)
    monkeypatch.setenv("MUJOCO_GL", "egl")
    monkeypatch.setitem(sys.modules, "mujoco.egl", None)
    code, _, error = render("run.mp4", results=results)
    last = error.splitlines()[-1]  # after what MuJoCo says of the model
    assert code == 2 and "MUJOCO_GL=egl" in last and "Unset" in last


def test_only_point_tasks_have_a_picture(render, tmp_path):
    results = train(tmp_path / "run.h5", name="sinusoid")
    code, _, error = render("run.png", results=results)
    assert code == 2 and "sinusoid" in error and ".mp4 or .gif" in error


def test_a_file_that_cannot_be_written_is_one_line(render, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, error = render("file/run.png")
    assert code == 1 and "cannot write" in error and error.count("\n") == 1


def test_a_video_that_ffmpeg_could_not_finish_is_no_video(render, tmp_path, monkeypatch):
    check = video._check_whole

    def full(path, count):
        os.truncate(path, os.path.getsize(path) // 2)  # as a full disk does, which ffmpeg's caller is not told
        check(path, count)

    monkeypatch.setattr(video, "_check_whole", full)
    code, _, error = render("run.mp4")
    assert code == UserError.exit_code and "is the disk full?" in error and only(tmp_path)

"""The plotting scripts, run as a user runs them, and the numbers behind their pictures."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_up import SCRIPTS, TASKS, like, only_end, run_script, train, without_rows

import esmaml_mpi

pytest.importorskip("matplotlib")


def png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", header[16:24])


def after(results) -> np.ndarray:
    return results.history["test"]["after"].mean(axis=(1, 2))


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_plot_run_draws_each_family(task, tmp_path):
    train(tmp_path / "run.h5", task=task)
    done = run_script("plot_run.py", "run.h5", "--at", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "run.png\n" and done.stderr == ""
    assert png_size(tmp_path / "run.png") == (2320, 1040)
    assert (tmp_path / "run.png").stat().st_size > 40_000


@pytest.mark.parametrize("task", ["four_corners", "navigation_2d"])
def test_paths_are_the_rollouts_that_were_rewarded(task, tmp_path, scripts):
    from behaviour import Behaviour

    from esmaml_mpi.reproducibility.randomness import Phase

    results = train(tmp_path / "run.h5", task=task)
    behaviour = Behaviour(results, "last", results.test_task_ids, 3, Phase.TEST)
    ended = 0
    for when in ("before", "after"):
        paths = behaviour.paths(when)
        for i, task_id in enumerate(results.test_task_ids):
            goal = behaviour.setup.task_table[:, task_id]
            for j, path in enumerate(paths[i]):
                squared = ((path[1:] - goal) ** 2).sum(axis=1)
                reward = -squared if task == "navigation_2d" else -4 + np.maximum(0, 4 - squared)
                np.testing.assert_allclose(reward.sum(), results.history["test"][when][-1, i, j], rtol=1e-12)
                if len(path) < 101:
                    ended += 1
                    assert squared[-1] <= 0.01 < squared[:-1].min(initial=np.inf)
    assert (ended > 0) == (task == "navigation_2d")


@pytest.mark.parametrize("failed", [(0, 1, 2), (2,)])
def test_a_run_whose_tests_failed_is_drawn_without_them(failed, runs, tmp_path, scripts, monkeypatch, notes):
    import matplotlib.pyplot as plt
    import plot_run

    after = runs["k4_1"].history["test"]["after"]
    after[list(failed)] = np.nan
    monkeypatch.setattr(plot_run.series, "load", lambda path, note: like(runs["k4_1"], 1, test={"after": after}))
    monkeypatch.setattr(plot_run.style, "save", lambda fig, path: None)
    plot_run.plot(tmp_path / "run.h5", tmp_path / "run.png", "last", 1, notes.append)
    (band,) = plt.gcf().axes[0].collections
    assert np.isin([0, 2, 4], band.get_paths()[0].vertices[:, 0] if band.get_paths() else []).tolist() == [
        row not in failed for row in range(3)
    ]
    assert f"{12 * len(failed)} test returns are missing" in notes[0]
    plt.close("all")


def test_reference_lines_of_four_corners(runs, scripts):
    from plot_run import _bounds

    (best, name, _), (worst, _, _) = _bounds(runs["k4_1"].config)
    assert best == pytest.approx(-40.3) and name == "best possible -40.3" and worst == -400
    penalised = esmaml_mpi.load_config(runs["k4_1"].config, ["task.options.penalty=10000.0"])
    assert [name for _, name, _ in _bounds(penalised)] == ["best possible -40.3"]


@pytest.mark.parametrize("x", ["iteration", "rollouts"])
def test_a_curve_of_one_point_is_seen(x, runs, scripts, notes):
    import curves
    import learning_curves
    import matplotlib.pyplot as plt
    from groups import group

    once = only_end(runs["k6_1"], 1, 1.0)
    drawn = [curves.average(each, "after", x, notes.append) for each in group([runs["k4_1"], once], notes.append)]
    _, ax = plt.subplots()
    learning_curves.draw(ax, drawn, "after", x, "ci")
    lines = [(len(line.get_xdata()), line.get_marker()) for line in ax.get_lines()]
    assert (1, "o") in lines and len(lines) == 2
    plt.close("all")


@pytest.mark.slow
def test_learning_curves_table_is_the_files(runs, tmp_path):
    files = [results.path for results in runs.values()]
    done = run_script("learning_curves.py", *files, "--output", "curves.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    width, height = png_size(tmp_path / "curves.png")
    assert width == 1440 and 850 < height < 1100
    _, header, four, six, written = done.stdout.splitlines()
    assert header.split() == "group seeds from to first +- last +-".split() and written == "curves.png"
    curves = np.array([after(runs[f"k4_{seed}"]) for seed in (1, 2, 3)])
    mean, error = curves.mean(axis=0), curves.std(axis=0, ddof=1) / np.sqrt(3)
    numbers = [f"{value:#.4g}" for i in (0, -1) for value in (mean[i], error[i])]
    assert four.split() == ["queries", "=", "4", "3", "0", "4", *numbers]
    alone = after(runs["k6_1"])
    assert six.split() == ["queries", "=", "6", "1", "0", "4", f"{alone[0]:#.4g}", "-", f"{alone[-1]:#.4g}", "-"]


@pytest.mark.parametrize(("x", "metric", "suffix"), [("seconds", "before", "svg"), ("env_steps", "meta_value", "pdf")])
def test_learning_curves_other_axes_and_formats(x, metric, suffix, runs, tmp_path, scripts, capsys):
    from learning_curves import main

    output = tmp_path / f"curves.{suffix}"
    assert main([str(runs["k4_1"].path), "--x", x, "--metric", metric, "--output", str(output)]) == 0
    head = output.read_bytes()
    assert head.startswith(b"%PDF" if suffix == "pdf" else b"<?xml")
    series = runs["k4_1"].history["train"]["meta_value"] if metric == "meta_value" else None
    last = runs["k4_1"].history["test"]["before"][-1].mean() if series is None else series[-1]
    assert capsys.readouterr().out.splitlines()[2].split()[-2:] == [f"{last:#.4g}", "-"]


@pytest.mark.slow
@pytest.mark.parametrize("script", ["learning_curves", "adaptation_curves"])
def test_each_task_has_a_panel_and_each_group_a_look(script, runs, tmp_path, scripts, monkeypatch):
    from importlib import import_module

    import matplotlib.pyplot as plt

    others = [train(tmp_path / f"{task}.h5", task=task).path for task in ("sinusoid", "navigation_2d", "six_circles")]
    module = import_module(script)
    monkeypatch.setattr(module.style, "save", lambda fig, path: None)
    files = [runs["k4_1"].path, *others, runs["k6_1"].path]
    assert module.main([*map(str, files), "--output", str(tmp_path / "x.png")]) == 0
    fig = plt.gcf()
    titles = [ax.get_title().partition(":")[0] for ax in fig.axes]
    assert titles == ["four_corners", "sinusoid", "navigation_2d", "six_circles"]
    assert [len(ax.get_lines()) for ax in fig.axes] == [2, 1, 1, 1]
    lines = [(line.get_color(), line.get_linestyle()) for ax in fig.axes for line in ax.get_lines()]
    (legend,) = fig.legends
    assert [(line.get_color(), line.get_linestyle()) for line in legend.get_lines()] == lines and len(set(lines)) == 5
    assert ["queries = 6" in text.get_text() for text in legend.get_texts()] == [False, True, False, False, False]
    assert legend.get_title().get_text().count("diamonds") == (script == "adaptation_curves")
    plt.close("all")


@pytest.mark.slow
def test_a_reader_who_leaves_is_no_error(runs, tmp_path):
    command = [sys.executable, SCRIPTS / "learning_curves.py", runs["k4_1"].path]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, timeout=120)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"") and (tmp_path / "learning_curves.png").exists()


EVERY_SCRIPT = ["adaptation_curves", "comparison", "exploration", "final_scores", "learning_curves", "operators"]


@pytest.mark.slow
@pytest.mark.parametrize("script", [f"{name}.py" for name in (*EVERY_SCRIPT, "plot_run", "report", "timing")])
def test_missing_file_is_one_line(script, tmp_path):
    done = run_script(script, "nothing.h5", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "nothing.h5 does not exist" in done.stderr


@pytest.mark.parametrize("script", ["plot_run", "learning_curves"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [("not_hdf5", "cannot read"), ("no_test", "has no test rows yet"), ("suffix", "ends in .png, .pdf, .svg")],
)
def test_errors_are_one_line(script, fault, message, runs, tmp_path, scripts, capsys):
    from importlib import import_module

    path = tmp_path / "run.h5"
    path.write_bytes(b"no HDF5" if fault == "not_hdf5" else runs["k4_1"].path.read_bytes())
    if fault == "no_test":
        without_rows(path, "test")
    output = tmp_path / ("x.jpg" if fault == "suffix" else "x.png")
    assert import_module(script).main([str(path), "--output", str(output)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error and error.startswith(script)
    assert not output.exists()


@pytest.mark.parametrize(
    "script", ["learning_curves", "final_scores", "comparison", "operators", "adaptation_curves", "timing"]
)
def test_runs_that_have_not_got_so_far_are_left_out(script, runs, tmp_path, scripts, monkeypatch, capsys):
    from importlib import import_module

    young = tmp_path / "young.h5"
    young.write_bytes(runs["k4_2"].path.read_bytes())
    for group in ("test", "parameters", "normalization", "timing"):
        without_rows(young, group)
    monkeypatch.chdir(tmp_path)
    assert import_module(script).main([str(path) for path in (young, runs["k4_1"].path, runs["k6_1"].path)]) == 0
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and f"left out: {young} has no " in errors and " rows yet" in errors


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("report", ["--output", "{run}", "{run}"]),
        ("final_scores", ["--output", "{run}", "{run}"]),
        ("claims", ["--output", "{run}", "{run}"]),
        ("claims", ["--output", "c.md", "--summary", "{run}", "--", "{run}"]),
        ("timing", ["--output", "{run}", "{run}"]),
    ],
)
def test_no_results_file_is_written_over(script, arguments, runs, tmp_path, scripts, capsys):
    """As where the shell puts results/*.h5 after --output."""
    from importlib import import_module

    run = tmp_path / "run.h5"
    run.write_bytes(before := runs["k4_1"].path.read_bytes())
    assert import_module(script).main([each.format(run=run) for each in arguments]) == 1
    assert "has a name that ends in" in capsys.readouterr().err and run.read_bytes() == before


def test_names_are_drawn_as_they_stand(runs, tmp_path, scripts, capsys):
    """Matplotlib takes what is between two $ for a formula, and raises where it is none."""
    import plot_run

    name = "a$b_{c$"
    train(tmp_path / "run.h5", f"run.name={name}")
    plain = tmp_path / f"{name}.h5"
    plain.write_bytes((tmp_path / "run.h5").read_bytes())
    assert plot_run.main([str(plain)]) == 0
    assert plot_run.style.wrapped(name, 40) == r"a\$b_{c\$"


def test_unknown_iteration_names_those_there_are(runs, scripts, capsys):
    from plot_run import main

    assert main([str(runs["k4_1"].path), "--at", "3"]) == 1
    assert "no parameters of iteration 3; it has 0 to 4" in capsys.readouterr().err

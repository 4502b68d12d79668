"""The plotting scripts, run as a user runs them, and the numbers behind their pictures."""

import struct
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import reseal

import esmaml_mpi

SCRIPTS = Path(__file__).parents[2] / "analysis"
pytest.importorskip("matplotlib")

TINY = {
    "policy": {"hidden": [8]},
    "adaptation": {"queries": 4},
    "meta": {"iterations": 4, "perturbations": 6, "current_evaluations": 4},
    "test": {"every": 2, "repeats": 3},
}
TASKS = {
    "four_corners": {"name": "four_corners"},
    "navigation_2d": {"name": "navigation_2d", "options": {"goal_range": 0.3}},
    "six_circles": {"name": "six_circles", "options": {"subset": 2}},
    "sinusoid": {"name": "sinusoid"},
}


def train(path: Path, *overrides: str, task: str = "four_corners"):
    return esmaml_mpi.train({**TINY, "task": TASKS[task]}, overrides, output=path)


def run_script(name: str, *arguments, cwd) -> subprocess.CompletedProcess:
    command = [sys.executable, SCRIPTS / name, *arguments]
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=120)


def png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", header[16:24])


def after(results) -> np.ndarray:
    return results.history["test"]["after"].mean(axis=(1, 2))


def without_rows(path: Path, group: str) -> None:
    """Make a file look like that of a run which has not got so far."""
    with h5py.File(path, "r+") as file:
        for name in [name for name in file[group] if name != "task_id"]:
            dtype = file[group][name].dtype
            del file[group][name]
            file[group][name] = np.empty(0, dtype)
    reseal(path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Four corners, K = 4 with seeds 1 to 3, K = 6 with seed 1: name -> results."""
    folder = tmp_path_factory.mktemp("runs")
    results = {f"k4_{seed}": train(folder / f"k4_{seed}.h5", f"run.seed={seed}") for seed in (1, 2, 3)}
    results["k6_1"] = train(folder / "k6_1.h5", "run.seed=1", "adaptation.queries=6", "run.threads=2")
    return results


@pytest.fixture
def scripts(monkeypatch):
    """Makes the scripts' modules importable, as they are for each other when one is run."""
    monkeypatch.syspath_prepend(SCRIPTS)


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

    from esmaml_mpi.randomness import Phase

    results = train(tmp_path / "run.h5", task=task)
    behaviour = Behaviour(results, "last", results.test_task_ids, 3, Phase.TEST)
    ended = 0
    for when in ("before", "after"):
        paths = behaviour.paths(when)
        for i, task_id in enumerate(results.test_task_ids):
            goal = behaviour.lab.task_table[:, task_id]
            for j, path in enumerate(paths[i]):
                squared = ((path[1:] - goal) ** 2).sum(axis=1)
                reward = -squared if task == "navigation_2d" else -4 + np.maximum(0, 4 - squared)
                np.testing.assert_allclose(reward.sum(), results.history["test"][when][-1, i, j], rtol=1e-12)
                if len(path) < 101:
                    ended += 1
                    assert squared[-1] <= 0.01 < squared[:-1].min(initial=np.inf)
    assert (ended > 0) == (task == "navigation_2d")


def test_reference_lines_of_four_corners(runs, scripts):
    from plot_run import _bounds

    (best, name, _), (worst, _, _) = _bounds(runs["k4_1"].config)
    assert best == pytest.approx(-40.3) and name == "optimum -40.3" and worst == -400
    runs["k4_1"].config.task.options["penalty"] = 10000.0
    assert _bounds(runs["k4_1"].config) == []
    runs["k4_1"].config.task.options["penalty"] = 0.0


def test_learning_curves_table_is_the_files(runs, tmp_path):
    files = [results.path for results in runs.values()]
    done = run_script("learning_curves.py", *files, "--output", "curves.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    width, height = png_size(tmp_path / "curves.png")
    assert width == 1440 and 850 < height < 1100
    _, header, four, six, written = done.stdout.splitlines()
    assert header.split() == ["group", "seeds", "iterations", "first", "last"] and written == "curves.png"
    curves = np.array([after(runs[f"k4_{seed}"]) for seed in (1, 2, 3)])
    mean, error = curves.mean(axis=0), curves.std(axis=0, ddof=1) / np.sqrt(3)
    numbers = [f"{mean[i]:.2f} +- {error[i]:.2f}" for i in (0, -1)]
    assert four.split() == f"adaptation.queries = 4 3 0 to 4 {numbers[0]} {numbers[1]}".split()
    alone = after(runs["k6_1"])
    assert six.split() == f"adaptation.queries = 6 1 0 to 4 {alone[0]:.2f} {alone[-1]:.2f}".split()


def test_costs_are_those_of_the_updates_before(runs, scripts):
    import series

    train = runs["k4_1"].history["train"]
    spent = series.cost(runs["k4_1"], np.array([0, 2, 4]), "rollouts")
    assert spent.tolist() == [0, train["rollouts"][:2].sum(), train["rollouts"].sum()]
    assert spent[1] == 2 * 10 * 4 * (4 + 1 + 1)  # iterations, evaluations, tasks, queries with pivot and final score


@pytest.mark.parametrize(("x", "metric", "suffix"), [("seconds", "before", "svg"), ("env_steps", "meta_value", "pdf")])
def test_learning_curves_other_axes_and_formats(x, metric, suffix, runs, tmp_path, scripts, capsys):
    from learning_curves import main

    output = tmp_path / f"curves.{suffix}"
    assert main([str(runs["k4_1"].path), "--x", x, "--metric", metric, "--output", str(output)]) == 0
    head = output.read_bytes()
    assert head.startswith(b"%PDF" if suffix == "pdf" else b"<?xml")
    series = runs["k4_1"].history["train"]["meta_value"] if metric == "meta_value" else None
    last = runs["k4_1"].history["test"]["before"][-1].mean() if series is None else series[-1]
    assert capsys.readouterr().out.splitlines()[2].split()[-1] == f"{last:.2f}"


def test_groups_stop_at_their_shortest_run_and_count_a_run_once(runs, tmp_path, scripts, capsys):
    from groups import group

    longer = train(tmp_path / "longer.h5", "run.seed=1", "meta.iterations=6", "run.name=again")
    (only,) = group([longer, runs["k4_2"]], "after", "iteration")
    assert only.iterations.tolist() == [0, 2, 4] and only.seeds == 2
    assert "drawn to iteration 4" in capsys.readouterr().err
    (only,) = group([runs["k4_1"], longer], "after", "iteration")
    assert only.iterations.tolist() == [0, 2, 4, 6] and only.seeds == 1
    assert "k4_1.h5 left out: it is the same run" in capsys.readouterr().err


def test_failed_rollouts_leave_the_mean(runs, scripts, capsys):
    from groups import group

    from esmaml_mpi.history import GROUPS, History
    from esmaml_mpi.results.reader import Results

    old = runs["k4_1"]
    arrays = {name: old.history[name] for name in GROUPS}
    arrays["test"]["after"][-1, 0, 0] = np.nan
    broken = Results(old.path, old.config, History.from_arrays(arrays), {}, old.test_task_ids, [])
    (only,) = group([broken], "after", "iteration")
    assert only.mean[-1] == pytest.approx(np.nanmean(arrays["test"]["after"][-1]))
    assert "1 test returns are missing" in capsys.readouterr().err


def test_labels_name_what_differs_within_a_family(scripts):
    from groups import _labels

    corners = {"task.name": "four_corners", "task.options.penalty": "0", "meta.sigma": "0.1"}
    groups = [corners, {**corners, "task.options.penalty": "10"}, {"task.name": "sinusoid", "meta.sigma": "0.1"}]
    assert _labels(groups) == [
        "task.name = four_corners, task.options.penalty = 0",
        "task.name = four_corners, task.options.penalty = 10",
        "task.name = sinusoid",
    ]


@pytest.mark.parametrize("script", ["plot_run.py", "learning_curves.py"])
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


def test_unknown_iteration_names_those_there_are(runs, scripts, capsys):
    from plot_run import main

    assert main([str(runs["k4_1"].path), "--at", "3"]) == 1
    assert "no parameters of iteration 3; it has 0 to 4" in capsys.readouterr().err

"""The figures of an experiment file: its lines are run in the folder of its runs."""

import subprocess
import sys
from pathlib import Path

import pytest

import esmaml_mpi

SCRIPTS = Path(__file__).parents[2] / "analysis"
pytest.importorskip("matplotlib")

TINY = """
[task]
horizon = 12
[policy]
hidden = []
[meta]
iterations = 1
perturbations = 2
current_evaluations = 1
[test]
repeats = 1
[figure]
draw = ["operators.py mc_*.h5 --output all.png", "plot_run.py mc_seed0.h5"]
[sizes.small]
figure.draw = ["operators.py pg_*.h5", "plot_run.py mc_seed1.h5"]
"""


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    for seed in (0, 1):
        esmaml_mpi.train(path, [f"run.seed={seed}"], tmp_path / "runs" / f"mc_seed{seed}.h5")
    return path


def draw(*arguments):
    command = [sys.executable, SCRIPTS / "draw.py", *arguments]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_every_line_is_drawn_in_the_folder(experiment, tmp_path):
    done = draw(experiment, tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "runs").glob("*.png")} == {"all.png", "mc_seed0.png"}
    assert "$ operators.py mc_*.h5 --output all.png" in done.stdout and "| 2 |" in done.stdout  # both seeds


def test_a_line_without_runs_fails_and_the_next_is_drawn(experiment, tmp_path):
    done = draw(experiment, tmp_path / "runs", "--size", "small")
    assert done.returncode == 1 and "matches pg_*.h5" in done.stderr
    assert [path.name for path in (tmp_path / "runs").glob("*.png")] == ["mc_seed1.png"]


@pytest.mark.slow
def test_what_cannot_be_drawn_is_named(experiment, tmp_path):
    assert "nowhere is no folder" in draw(experiment, tmp_path / "nowhere").stderr
    experiment.write_text(TINY.replace("plot_run.py mc_seed0", "plot_ruin.py mc_seed0"))
    done = draw(experiment, tmp_path / "runs")
    assert done.returncode == 1 and "there is no script plot_ruin.py" in done.stderr

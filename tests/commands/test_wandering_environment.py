"""Commands write and read where they were started, wherever an environment of the user's goes."""

import json
import os

import pytest

import esmaml_mpi
from esmaml_mpi.commands.main import main

ENVIRONMENT = """
import os

import gymnasium
import numpy as np


class Wander(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,))
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))

    def __init__(self, folder):
        os.chdir(folder)

    def reset(self, seed=None, options=None):
        return np.zeros(1), {}

    def step(self, action):
        return np.ones(1), -float(abs(action[0] - 0.5)), False, False, {}
"""
RUN = """
[run]
name = "wander"
[task]
name = "gymnasium"
horizon = 3
train_size = 1
batch_size = 1
test_size = 1
options = { environment = "wander:Wander", arguments = { folder = "AWAY" } }
[policy]
hidden = []
[adaptation]
queries = 2
[meta]
iterations = 2
perturbations = 2
current_evaluations = 1
[test]
repeats = 1
"""
SWEEP = "[sweep]\nseeds = 1\n"
TUNE = """
[tune]
rollouts = 60
tests = 2
trials = 2
seeds = 1
confirm = { best = 1, seeds = 1 }
[tune.space]
"meta.sigma" = [0.1, 0.2]
"""


@pytest.fixture
def files(tmp_path, monkeypatch, new_process):
    """In the folder ``here``: the environment, an experiment, a search, and a run; the names of all files there."""
    pytest.importorskip("gymnasium")
    here, away = tmp_path / "here", tmp_path / "away"
    for folder in (here, away):
        folder.mkdir()
    (here / "wander.py").write_text(ENVIRONMENT)
    text = RUN.replace("AWAY", str(away))
    for name, more in (("run", ""), ("sweep", SWEEP), ("tune", TUNE)):
        (here / f"{name}.toml").write_text(text + more)
    monkeypatch.chdir(here)
    assert main(["train", "run.toml", "--output", "r.h5", "--quiet"]) == 0

    def call(*words):
        os.chdir(here)
        new_process()
        code = main(list(words))
        assert list(away.iterdir()) == []
        return code

    call.here = here
    yield call
    os.chdir(tmp_path)


def test_evaluate(files):
    assert files("evaluate", "r.h5", "--trust", "--repeats", "1", "--json", "sub/out.json") == 0
    assert json.loads((files.here / "sub" / "out.json").read_text())["iteration"] == 2


def test_adapt(files, capsys):
    assert files("adapt", "r.h5", "--trust", "--session", "s/one.h5", "--task", "0") == 0
    assert (files.here / "s" / "one.h5").exists() and (files.here / "s" / "one.adapted.npz").exists()
    assert "adapted policy: s/one.adapted.npz" in capsys.readouterr().out


def test_train_from(files):
    assert files("train", "run.toml", "--from", "r.h5", "--output", "new.h5", "--quiet") == 0
    assert files("train", "run.toml", "--from", "r.h5:best", "--output", "other.h5", "--quiet") == 0
    assert files("train", "run.toml", "--from", "r.h5", "--output", "new.h5", "--resume", "--quiet") == 0
    first = esmaml_mpi.read_results(files.here / "new.h5").launches[0]
    assert first["from_file"] == str(files.here / "r.h5")


def test_one_run_of_a_sweep(files, capsys):
    assert files("sweep", "sweep.toml", "--output", "sw", "--index", "0") == 0
    assert "run 0: sw/sweep_seed0.h5" in capsys.readouterr().out
    assert files("sweep", "sweep.toml", "--output", "sw", "--index", "0", "--is-complete") == 0


@pytest.mark.slow
def test_a_whole_sweep(files):
    assert files("sweep", "sweep.toml", "--output", "sw", "--quiet") == 0
    assert (files.here / "sw" / "sweep_seed0.h5").exists()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_tune(files, capsys, jobs):
    pytest.importorskip("optuna")
    assert files("tune", "tune.toml", "--output", "t", "--jobs", jobs) == 0
    assert "t/best.toml: the best" in capsys.readouterr().out and (files.here / "t" / "best.toml").exists()

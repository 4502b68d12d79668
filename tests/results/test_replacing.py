"""A command replaces what it has made itself, and nothing else."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import UserError
from esmaml_mpi.results.replacing import check_replaceable

TINY = {
    "task": {"horizon": 10},
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 3, "perturbations": 4, "current_evaluations": 3},
    "test": {"every": 2, "repeats": 2},
}
MADE = {
    "evaluate run.h5 --repeats 1 --json out.json": "out.json",
    "export run.h5 --csv .": "run/train.csv",
    "export run.h5 --tensorboard .": "run/events.out.tfevents.esmaml",
    "plot run run.h5 --output out.png": "out.png",
    "plot learning_curves run.h5 --output out.pdf": "out.pdf",
    "plot learning_curves run.h5 --output out.svg": "out.svg",
    "plot final_scores run.h5 --output out.txt": "out.txt",
    "plot final_scores run.h5 --output out.md": "out.md",
    "plot final_scores run.h5 --output out.csv": "out.csv",
    "report run.h5 --output out.html": "out.html",
    "claims . --output out.md": "out.md",
    "adapt run.h5 --session s.session --task 0": "s.adapted.npz",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    esmaml_mpi.train(TINY, output=folder / "run.h5")
    esmaml_mpi.train(TINY, ["run.seed=1"], output=folder / "other.h5")
    return folder


@pytest.fixture
def here(runs, tmp_path, monkeypatch):
    """A copy to work in; what the commands end with stays in this process."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr("esmaml_mpi.parallel.world.World.abort", lambda self, code: None)
    monkeypatch.chdir(shutil.copytree(runs, tmp_path / "here"))


@pytest.mark.parametrize("command", MADE)
def test_what_a_command_has_made_is_replaced_and_nothing_else(command, here, capsys):
    if "tensorboard" in command:
        pytest.importorskip("tensorboardX")
    made = Path(MADE[command])
    assert main(command.split()) == 0
    first = made.read_bytes()
    Path("s.session").unlink(missing_ok=True)
    assert main(command.split()) == 0 and made.read_bytes() == first
    for content in (Path("other.h5").read_bytes(), b"my own notes\n"):
        made.write_bytes(content)
        Path("s.session").unlink(missing_ok=True)
        capsys.readouterr()
        assert main(command.split()) in (1, 2)
        error = capsys.readouterr().err.splitlines()[-1]
        assert made.name in error and "it is not one that this command has made" in error
        assert made.read_bytes() == content


def test_a_sweep_leaves_a_configuration_that_is_not_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = "[meta]\niterations = 1\nperturbations = 2\ncurrent_evaluations = 2\n[adaptation]\nqueries = 2\n"
    (tmp_path / "e.toml").write_text(text + "[task]\nhorizon = 5\n[sweep]\nseeds = 1\n")
    assert main(["sweep", "e.toml", "--output", "out", "--list"]) == 0
    name = next(word for word in capsys.readouterr().out.split() if word.endswith(".h5")).removesuffix("h5") + "toml"
    (tmp_path / "out").mkdir()
    (tmp_path / name).write_text("mine = 1\n")
    assert main(["sweep", "e.toml", "--output", "out"]) == 1
    assert "not one that this command has made" in capsys.readouterr().out
    assert (tmp_path / name).read_text() == "mine = 1\n"


def test_another_archive_is_no_policy(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, weights=np.ones(3))
    with pytest.raises(UserError, match="not one that this command has made"):
        check_replaceable(path, "", b"observation_mean.npy")
    path.write_bytes(b"")
    check_replaceable(path, "", b"observation_mean.npy")

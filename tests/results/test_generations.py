"""Two generations of a run's file: the last good one stays beside the newest, and a run goes on from it."""

import os

import h5py
import pytest
from helpers import assert_same_run, same

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.results import generations
from esmaml_mpi.results.generations import generation, older
from esmaml_mpi.results.reader import read
from esmaml_mpi.sweeps.state import INCOMPLETE, state_of

TINY = {
    "task": {"horizon": 10},
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 6, "perturbations": 4, "current_evaluations": 3},
    "test": {"every": 2, "repeats": 2},
    "checkpoint": {"every": 0},
}


@pytest.fixture
def run(tmp_path):
    """Two launches, so that the generations are of known iterations: 3 and 6, and a third at the start of the run."""
    path = tmp_path / "run.h5"
    esmaml_mpi.train(TINY, ["meta.iterations=3"], output=path)
    esmaml_mpi.train(TINY, output=path, resume=True)
    return path


def test_the_generation_before_is_there(run):
    assert older(run) == [run.with_name("run.h5.previous")]
    assert (read(run).checkpoint["iteration"], read(generation(run, 1)).checkpoint["iteration"]) == (6, 3)


@pytest.mark.parametrize("keep", [1, 2, 3, 4])
def test_as_many_as_are_asked_for(keep, run):
    for more in (7, 8, 9, 10):
        esmaml_mpi.train(TINY, [f"meta.iterations={more}", f"checkpoint.keep={keep}"], output=run, resume=True)
    assert [int(read(each).checkpoint["iteration"]) for each in [run, *older(run)]] == [10, 9, 8, 7][:keep]
    assert len(os.listdir(run.parent)) == keep


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone"])
def test_a_damaged_file_is_gone_on_without(damage, run, tmp_path, capsys):
    content = run.read_bytes()
    if damage == "gone":
        run.unlink()
    else:
        bad = {"cut": content[:2000], "flipped": content[:-5] + b"x" + content[-4:], "empty": b""}[damage]
        run.write_bytes(bad)
    assert state_of(run, load(TINY).resolved()).iteration == 3
    capsys.readouterr()
    resumed = esmaml_mpi.train(TINY, output=run, resume=True)
    word = "missing" if damage == "gone" else "damaged"
    assert f"{run} is {word}; the run goes on from {run}.previous, iteration 3" in capsys.readouterr().out
    assert_same_run(resumed, esmaml_mpi.train(TINY, ["meta.iterations=6"]))
    if damage != "gone":
        assert (tmp_path / "run.h5.damaged").read_bytes() == bad
    assert read(generation(run, 1)).checkpoint["iteration"] == 3


def test_where_all_are_damaged_nothing_is_changed(run):
    for each in (run, generation(run, 1)):
        each.write_bytes(each.read_bytes()[:3000])
    before = {each: each.read_bytes() for each in run.parent.iterdir()}
    with pytest.raises(ResultsError, match=r"run\.h5: it is damaged"):
        esmaml_mpi.train(TINY, output=run, resume=True)
    assert {each: each.read_bytes() for each in run.parent.iterdir()} == before


def test_a_new_run_does_not_take_the_place_of_what_is_left_of_another(run):
    run.unlink()
    with pytest.raises(UsageError, match=r"run\.h5\.previous exists\. Continue it with --resume"):
        esmaml_mpi.train(TINY, output=run)
    esmaml_mpi.train(TINY, ["run.seed=1"], output=run, overwrite=True)
    assert all(read(each).config.run.seed == 1 for each in [run, *older(run)])


def test_a_file_system_without_hard_links(run, monkeypatch):
    def link(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(generations.os, "link", link)
    esmaml_mpi.train(TINY, ["meta.iterations=7"], output=run, resume=True)
    assert [int(read(each).checkpoint["iteration"]) for each in [run, *older(run)]] == [7, 6]


def test_a_changed_file_is_told_from_a_damaged_one_and_sealed_again(run, capsys):
    good = run.read_bytes()
    with h5py.File(run, "r+") as file:
        file.attrs["TITLE"] = "by another program"
    changed = run.read_bytes()
    assert main(["info", str(run)]) == 0
    said = capsys.readouterr()
    assert "another program has changed this file" in said.err and "iteration" in said.out
    assert "--repair" in said.err and f"{run}.previous is good, iteration 3" in said.err and said.err.count("\n") == 1
    link = run.parent / "elsewhere" / "link.h5"
    link.parent.mkdir()
    link.symlink_to(run)
    assert main(["info", str(link)]) == 0 and f"{run}.previous is good, iteration 3" in capsys.readouterr().err
    with pytest.raises(ResultsError, match="it is damaged"):
        esmaml_mpi.train(TINY, ["meta.iterations=7"], output=run.with_name("new.h5"), start_from=run)
    assert main(["info", str(run), "--repair"]) == 0
    assert run.with_name("run.h5.changed").read_bytes() == changed
    assert same(read(run).history["train"]["values"], read(generation(run, 1)).history["train"]["values"][:0]) is False
    assert esmaml_mpi.train(TINY, ["meta.iterations=7"], output=run, resume=True).checkpoint["iteration"] == 7
    capsys.readouterr()
    assert main(["info", str(run), "--repair"]) == 0 and "nothing to repair" in capsys.readouterr().out
    run.write_bytes(good[:3000])
    assert main(["info", str(run), "--repair"]) == 1
    assert "cannot be repaired" in capsys.readouterr().err and run.read_bytes() == good[:3000]
    assert main(["info", str(run)]) == 1 and "structure is sound" not in capsys.readouterr().err


def test_how_far_a_run_is_says_the_good_file(run):
    config = read(run).config
    run.write_bytes(b"")
    state = state_of(run, config)
    assert (state.kind, state.iteration) == (INCOMPLETE, 3)

"""Rows that a file has already: copied on in blocks, and left out where they are measured again."""

import h5py
import numpy as np
import pytest
from helpers import reseal, same

import esmaml_mpi
from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results import layout
from esmaml_mpi.results.generations import generation
from esmaml_mpi.results.history import GROUPS, History
from esmaml_mpi.results.newest import newest_good
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.writer import ResultsWriter

TINY = {
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 5, "perturbations": 4, "current_evaluations": 3},
    "test": {"every": 2, "repeats": 2},
}


@pytest.fixture
def path(tmp_path):
    """The file of a finished run."""
    return esmaml_mpi.train(TINY, output=tmp_path / "run.h5").path


def rewritten(path, history=None):
    """The run again after its file was written once more, as a run that goes on from it does."""
    old = read(path)
    found = newest_good(path)
    run = layout.Run(old.config.to_toml(), old.launches, old.test_task_ids, old.interface)
    writer = ResultsWriter(path, run, found.earlier)
    writer.write(history or History(), found.results.checkpoint)
    return old, read(path)


@pytest.mark.parametrize("block", [16, 100, 4096])
def test_what_is_copied_on_is_what_was_there(block, path, monkeypatch):
    monkeypatch.setattr(layout, "BLOCK", block)
    old, new = rewritten(path)
    for group in GROUPS:
        for name, rows in old.history[group].items():
            assert same(new.history[group][name], rows), f"{group}/{name}"
    with h5py.File(path) as file:
        assert {"unit", "meaning", "row_shape"} <= set(file["train/values"].attrs)


def test_rows_come_behind_those_of_the_file_and_none_stay_in_memory(path):
    more = History()
    for i in (5, 6):
        more.append("recovery", iteration=i, ranks_lost=1, ranks_left=2, aggregator_lost=0, seconds=0.1)
    rewritten(path, more)
    _, new = rewritten(path)
    assert new.history["recovery"]["iteration"].tolist() == [5, 6] and len(new.history["train"]["values"]) == 5


def test_a_file_that_another_program_has_made_of_other_pieces_is_copied_too(path):
    """Chunked, and of the other byte order: read at once, as it has no rows in one piece."""
    expected = read(path).history["train"]["values"]
    with h5py.File(path, "r+") as file:
        rows = file["train/values"][()]
        del file["train/values"]
        file.create_dataset("train/values", data=rows.astype(">f8"), chunks=(2, 3), maxshape=(None, 7))
    reseal(path)
    assert same(rewritten(path)[1].history["train"]["values"], expected)


def test_dropped_rows_are_gone_and_losses_stay(path):
    more = History()
    for i in (3, 5):
        more.append("recovery", iteration=i, ranks_lost=1, ranks_left=2, aggregator_lost=0, seconds=0.1)
    rewritten(path, more)
    earlier = newest_good(path).earlier
    earlier.drop_from(3)
    assert earlier.counts == {
        "train": 3, "timing": 3, "recovery": 2, "test": 2, "parameters": 2, "normalization": 2
    }  # fmt: skip


def test_what_another_program_does_to_the_file_meanwhile_is_noticed(path):
    found = newest_good(path)
    run = layout.Run(found.results.config.to_toml(), found.results.launches, [0, 1, 2, 3], found.results.interface)
    writer = ResultsWriter(path, run, found.earlier)
    with h5py.File(path, "r+") as file:
        file["train/values"][0, 0] = 17.0
    changed = path.read_bytes()
    with pytest.raises(ResultsError, match="another program has changed the results file"):
        writer.write(History(), found.results.checkpoint)
    assert path.read_bytes() == changed
    path.write_bytes(generation(path, 1).read_bytes())  # another file altogether
    found.earlier.close()


def test_a_file_of_another_that_has_come_there_meanwhile_is_left(path, tmp_path):
    found = newest_good(path)
    run = layout.Run(found.results.config.to_toml(), found.results.launches, [0, 1, 2, 3], found.results.interface)
    writer = ResultsWriter(path, run, found.earlier)
    other = esmaml_mpi.train(TINY, ["run.seed=1"], output=tmp_path / "other.h5").path
    other.replace(path)
    with pytest.raises(ResultsError, match="another program has put a file of its own there"):
        writer.write(History(), found.results.checkpoint)
    assert read(path).config.run.seed == 1
    path.unlink()  # one that is gone is made anew, from the rows that the open file still has
    writer.write(History(), found.results.checkpoint)
    assert np.array_equal(read(path).history["train"]["iteration"], np.arange(5))

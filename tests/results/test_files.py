"""Results files: what is in them, and that writing one never costs the one before."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ConfigError, ResultsError, UsageError
from esmaml_mpi.parallel.world import World
from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.layout import Run
from esmaml_mpi.results.provenance import collect
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.writer import ResultsWriter

TINY = {
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 5, "perturbations": 4, "current_evaluations": 3},
    "test": {"every": 2, "repeats": 2},
}


@pytest.fixture
def run(tmp_path):
    """A finished run and its file."""
    return esmaml_mpi.train(TINY, output=tmp_path / "run.h5")


def test_names_shapes_and_attributes(run):
    with h5py.File(run.path) as file:
        assert set(file) == {*GROUPS, "config", "provenance", "checkpoint", "interface"}
        assert file["train/values"].shape == (5, 7)
        assert file["train/iteration"][()].tolist() == [0, 1, 2, 3, 4]
        np.testing.assert_allclose(file["train/meta_value"][()], file["train/values"][:, 4:].mean(axis=1), rtol=1e-14)
        # 7 evaluations x 4 tasks x (2 queries + pivot + adapted)
        assert (file["train/rollouts"][()] == 7 * 4 * 4).all()
        assert (file["train/env_steps"][()] == 7 * 4 * 4 * 100).all()
        assert file["test/iteration"][()].tolist() == [0, 2, 4, 5]
        assert file["test/task_id"][()].tolist() == [0, 1, 2, 3]
        assert file["test/after"].attrs["rollouts_per_adaptation"] == 3
        assert file["test/before"].shape == file["test/after"].shape == (4, 4, 2)
        assert file["parameters/iteration"][()].tolist() == [0, 2, 4, 5]
        assert file["parameters/value"].shape == (4, 6)
        assert file["normalization/mean"].shape == (4, 2)
        np.testing.assert_array_equal(file["checkpoint/theta"][()], file["parameters/value"][-1])
        for group in GROUPS:
            for dataset in file[group].values():
                assert {"unit", "meaning", "row_shape"} <= set(dataset.attrs)
        provenance = file["provenance"].attrs
        assert {"version_numpy", "mpi_library", "host", "cpu", "ranks", "threads", "git_commit", "slurm_job"} <= set(
            provenance
        )
        assert Config.from_toml(file["config"].attrs["toml"]) == run.config


def test_the_commit_of_a_checkout_is_recorded():
    root = Path(__file__).resolve().parents[2]
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True)
    if asked.returncode:
        pytest.skip("not a checkout")
    assert collect(World(), 1)["git_commit"].startswith(asked.stdout.strip())


def test_names_of_files_need_not_be_text(tmp_path, monkeypatch):
    name = os.fsdecode(b"r\xe9s.h5")
    monkeypatch.setattr(sys, "argv", ["esmaml", "train", "--output", name])
    first = esmaml_mpi.train(TINY, output=tmp_path / name, quiet=True)
    assert read(tmp_path / name).launches[0]["command"] == "esmaml train --output r\\udce9s.h5"
    begun = esmaml_mpi.train(TINY, output=tmp_path / "next.h5", start_from=first.path, quiet=True)
    assert begun.launches[0]["from_file"].endswith("r\\udce9s.h5")
    assert esmaml_mpi.train(TINY, output=begun.path, start_from=first.path, resume=True, quiet=True).path == begun.path


def test_reading_gives_back_what_was_written(run):
    for group in GROUPS:
        for name, values in read(run.path).history[group].items():
            np.testing.assert_array_equal(values, run.history[group][name])


def test_parameters_by_name_and_iteration(run):
    assert run.parameters("last")[0] == 5
    assert run.parameters(2)[0] == 2
    scores = run.history["test"]["after"].mean(axis=(1, 2))
    assert run.parameters("best")[0] == run.history["test"]["iteration"][np.argmax(scores)]
    with pytest.raises(ResultsError, match="no parameters of iteration 3"):
        run.parameters(3)


def test_an_existing_file_is_not_touched_unasked(run):
    before = run.path.read_bytes()
    with pytest.raises(UsageError, match="--resume"):
        esmaml_mpi.train(TINY, output=run.path)
    with pytest.raises(ConfigError, match=r"meta\.sigma: 0\.1 -> 0\.2.*run\.seed: 0 -> 3"):
        esmaml_mpi.train(TINY, ["meta.sigma=0.2", "run.seed=3"], output=run.path, resume=True)
    with pytest.raises(ConfigError, match=r"meta\.iterations = 3"):
        esmaml_mpi.train(TINY, ["meta.iterations=3"], output=run.path, resume=True)
    assert run.path.read_bytes() == before
    esmaml_mpi.train(TINY, ["run.seed=3"], output=run.path, overwrite=True)
    assert read(run.path).config.run.seed == 3


def test_extending_equals_a_longer_run_and_keeps_every_launch(run, tmp_path):
    longer = esmaml_mpi.train(TINY, ["meta.iterations=8", "checkpoint.every=1"], output=run.path, resume=True)
    straight = esmaml_mpi.train(TINY, ["meta.iterations=8"], output=tmp_path / "straight.h5")
    for group in ("test", "parameters", "normalization"):
        for name, values in straight.history[group].items():
            np.testing.assert_array_equal(longer.history[group][name], values)
    np.testing.assert_array_equal(longer.history["train"]["values"], straight.history["train"]["values"])
    assert len(longer.launches) == 2


def test_resuming_a_finished_run_changes_no_number(run):
    before = run.history["train"]["values"]
    again = esmaml_mpi.train(TINY, output=run.path, resume=True)
    np.testing.assert_array_equal(again.history["train"]["values"], before)
    assert again.history["test"]["iteration"].tolist() == [0, 2, 4, 5]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    """The process may write at most 1000 bytes to a file: what a full disk looks like."""
    path = tmp_path / "file"
    replace_file(path, b"old")
    code = f"""
import resource, signal, pathlib
from esmaml_mpi.results.atomic import replace_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_file(pathlib.Path({str(path)!r}), b"new" * 1000)
except OSError as error:
    print("refused", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("refused"), done.stderr
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_an_error_with_a_reason(run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("esmaml_mpi.results.writer.write_through", full)
    writer = ResultsWriter(run.path, Run("", [{"host": "x"}], [0], run.interface))
    with pytest.raises(ResultsError, match=r"No space left on device \(the previous file is intact\)"):
        writer.write(run.history, run.checkpoint)


@pytest.mark.parametrize("content", [b"", b"not hdf5 at all", b"\x89HDF\r\n\x1a\n" + b"\0" * 600])
def test_foreign_files_are_refused_in_words(tmp_path, content):
    path = tmp_path / "foreign.h5"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"foreign\.h5"):
        read(path)


def test_other_hdf5_and_newer_formats_are_refused(tmp_path, run):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = 1
    with pytest.raises(ResultsError, match="not a results file"):
        read(other)
    run.path.write_bytes(run.path.read_bytes().replace(b"format 3\n", b"format 9\n", 1))
    with pytest.raises(ResultsError, match="format version 9,"):
        read(run.path)
    with pytest.raises(ResultsError, match="does not exist"):
        read(tmp_path / "missing.h5")

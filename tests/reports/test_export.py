"""``esmaml export``: the numbers of the results file, read back by other means."""

import csv
import os
import struct
import sys
import types

import numpy as np
import pytest
from helpers import reseal
from runs import finished
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import RecordWriter

from esmaml_mpi.commands import main as cli
from esmaml_mpi.errors import UsageError
from esmaml_mpi.reports.tensorboard import NAME
from esmaml_mpi.results.generations import generation
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.reader import read


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "run.h5"
    finished(path)
    return path


def _events(file):
    """All events of an event file, its records taken apart."""
    data, events = file.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        events.append(Event.FromString(data[12 : 12 + length]))
        data = data[16 + length :]
    return events


def _values(file):
    return {(each.step, value.tag): value.simple_value for each in _events(file)[1:] for value in each.summary.value}


def _export(path, *arguments):
    return cli.main(["export", str(path), *map(str, arguments)])


def test_events_hold_the_series(path, tmp_path, capsys):
    assert _export(path, "--tensorboard", tmp_path) == 0
    file = tmp_path / "run" / NAME
    assert capsys.readouterr().out.strip() == str(file)
    values, history = _values(file), read(path).history
    for i, reward in enumerate(history["train"]["meta_value"]):
        assert values[i, "train/meta_value"] == pytest.approx(reward, rel=1e-6)
    for i, returns in zip(history["test"]["iteration"], history["test"]["after"], strict=True):
        assert values[i, "test/after"] == pytest.approx(returns.mean(), rel=1e-6)
    assert (5, "test/before") in values and (0, "timing/update") in values and (0, "normalization/count") in values
    times = [event.wall_time for event in _events(file)]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(history["train"]["seconds"].sum(), abs=1e-3)
    at = {(event.step, event.summary.value[0].tag): event.wall_time - times[0] for event in _events(file)[1:]}
    done = np.cumsum(history["train"]["seconds"])  # a test is made before the update of its iteration
    assert at[2, "test/after"] == pytest.approx(done[1], abs=1e-3)
    assert at[2, "train/meta_value"] == pytest.approx(done[2], abs=1e-3)


def test_records_are_those_of_another_writer(path, tmp_path):
    _export(path, "--tensorboard", tmp_path)
    file = tmp_path / "run" / NAME
    writer = RecordWriter(str(tmp_path / "other"))
    for event in _events(file):
        writer.write(event.SerializeToString())
    writer.close()
    assert (tmp_path / "other").read_bytes() == file.read_bytes()


def test_a_grown_run_is_appended_and_another_one_replaces_it(tmp_path):
    path, file = tmp_path / "run.h5", tmp_path / "run" / NAME
    first = finished(path)
    _export(path, "--tensorboard", tmp_path)
    whole, identity = file.read_bytes(), os.stat(file)
    _export(path, "--tensorboard", tmp_path)
    assert os.stat(file) == identity  # nothing to do
    file.write_bytes(whole[: len(whole) // 2])
    number = os.stat(file).st_ino
    _export(path, "--tensorboard", tmp_path)
    assert file.read_bytes() == whole and os.stat(file).st_ino == number
    for each in (path, generation(path, 1)):
        each.unlink()
    finished(path, ["run.seed=1"])
    _export(path, "--tensorboard", tmp_path)
    assert _values(file)[0, "train/meta_value"] == pytest.approx(read(path).history["train"]["meta_value"][0], rel=1e-6)
    assert not np.isclose(_values(file)[0, "train/meta_value"], first.history["train"]["meta_value"][0])


def test_a_running_file_is_the_beginning_of_the_finished_one(path, tmp_path):
    import h5py

    _export(path, "--tensorboard", tmp_path / "whole")
    with h5py.File(path) as file:
        image = file.id.get_file_image()
    shorter = tmp_path / "run.h5"
    shorter.write_bytes(image)
    with h5py.File(shorter, "r+") as file:  # as it was after three iterations
        for group in GROUPS:
            keep = file[f"{group}/iteration"][()] < 3
            for name in GROUPS[group]:
                rows = file[f"{group}/{name}"][()]
                del file[f"{group}/{name}"]
                file[f"{group}/{name}"] = rows[keep]
        del file["checkpoint/iteration"]
        file["checkpoint/iteration"] = np.int64(3)
    reseal(shorter)
    _export(shorter, "--tensorboard", tmp_path / "part")
    part, whole = ((tmp_path / name / "run" / NAME).read_bytes() for name in ("part", "whole"))
    assert len(part) > 500 and len(part) < len(whole) and whole.startswith(part)


def test_tables_hold_the_same_bits(path, tmp_path):
    assert _export(path, "--csv", tmp_path) == 0
    history = read(path).history
    for group in GROUPS:
        with open(tmp_path / "run" / f"{group}.csv", newline="") as file:
            names, *rows = csv.reader(file)
        found = {name: [float(row[i]) for row in rows] for i, name in enumerate(names)}
        if group == "test":
            continue
        for name, series in history[group].items():
            for place in np.ndindex(series.shape[1:]):
                assert np.array_equal(found["_".join([name, *map(str, place)])], series[:, *place], equal_nan=True)


def test_tests_are_in_long_form_with_task_ids(path, tmp_path):
    assert _export(path, "--csv", tmp_path) == 0
    results = read(path)
    with open(tmp_path / "run" / "test.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    test, wanted = results.history["test"], []
    for i, iteration in enumerate(test["iteration"]):  # a plain loop
        for j, task in enumerate(results.test_task_ids):
            for k in range(2):
                wanted.append((iteration, task, k, test["before"][i, j, k], test["after"][i, j, k]))
    found = [tuple(float(row[name]) for name in ("iteration", "task", "repeat", "before", "after")) for row in rows]
    assert found == wanted


def test_a_data_frame_has_the_same_columns(path, monkeypatch):
    results = read(path)
    made = types.SimpleNamespace(DataFrame=dict)  # pandas takes a dictionary of columns
    monkeypatch.setitem(sys.modules, "pandas", made)
    frame = results.to_dataframe()
    assert list(frame) == ["iteration", "task", "repeat", "before", "after"] and len(frame["task"]) == 4 * 4 * 2
    assert len(results.to_dataframe("train")["values_6"]) == 5
    with pytest.raises(UsageError, match="group 'tset' does not exist"):
        results.to_dataframe("tset")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="needs pandas"):
        results.to_dataframe()


def test_printed_results_are_a_summary(path):
    results = read(path)
    test = results.history["test"]
    means = test["after"].mean(axis=(1, 2))
    text = str(results)
    assert f"{means[-1]:.2f} after adaptation, at iteration 5" in text
    assert f"{means.max():.2f} after, at iteration {test['iteration'][means.argmax()]}" in text
    assert "train (5 rows), test (4 rows)" in text and len(text) < 1000
    assert repr(results).startswith(f"<Results of {path}: four_corners, iteration 5 of 5, test reward ")


def test_refusals_are_one_line(path, tmp_path, capsys, monkeypatch):
    def refused(code, word, *arguments):
        assert _export(*arguments) == code
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and word in err

    refused(2, "--tensorboard FOLDER or --csv FOLDER", path)
    refused(1, "does not exist", tmp_path / "none.h5", "--csv", tmp_path)
    other = tmp_path / "run.h5"
    other.write_bytes(path.read_bytes())
    refused(2, "would both go to run", path, other, "--csv", tmp_path)
    (tmp_path / "file").touch()
    refused(2, "cannot write", path, "--csv", tmp_path / "file")
    monkeypatch.setitem(sys.modules, "tensorboardX.crc32c", None)
    refused(2, 'pip install "esmaml-mpi[tensorboard]"', path, "--tensorboard", tmp_path)

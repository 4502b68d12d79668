"""Results files that are cut, damaged, foreign, or do not fit: refused in one line, and left as they are."""

import hashlib
import shutil

import h5py
import numpy as np
import pytest
from attacks import TINY, attack_file
from helpers import reseal

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.errors import ResultsError, UserError
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.seal import SIZE, sealed
from esmaml_mpi.tasks import FAMILIES


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run's file."""
    path = tmp_path_factory.mktemp("finished") / "run.h5"
    esmaml_mpi.train(TINY, output=path)
    return path


@pytest.fixture
def path(finished, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copy(finished, tmp_path / "run.h5")


def _delete(name):
    def edit(file):
        del file[name]

    return edit


def _replace(name, change):
    def edit(file):
        value = change(file[name][()])
        del file[name]
        file[name] = value

    return edit


def _config(change):
    def edit(file):
        file["config"].attrs["toml"] = change(file["config"].attrs["toml"])

    return edit


# What another program may do to a file, and a word of the message.
EDITS = {
    "no checkpoint": (_delete("checkpoint"), "checkpoint"),
    "no config": (_delete("config"), "config"),
    "no provenance": (_delete("provenance"), "provenance"),
    "no launches": (_delete("provenance/launch_0"), "launch"),
    "no series": (_delete("train/values"), "values"),
    "theta of another size": (_replace("checkpoint/theta", lambda a: a[:-1]), "parameters/value has shape"),
    "theta of two dimensions": (_replace("checkpoint/theta", lambda a: a[None]), "checkpoint/theta has shape"),
    "theta of integers": (_replace("checkpoint/theta", lambda a: a.astype(int)), "checkpoint/theta is no array"),
    "theta of text": (_replace("checkpoint/theta", lambda a: "theta"), "checkpoint/theta is no array"),
    "sums of another width": (_replace("checkpoint/statistics/sums", lambda a: a[:, :-1]), "sums has shape"),
    "sums of another size": (_replace("checkpoint/statistics/sums", lambda a: a[:-2]), "normalization/mean has shape"),
    "moments of another size": (_replace("checkpoint/optimizer/first", lambda a: a[:-1]), "optimizer/first"),
    "another iteration": (_replace("checkpoint/iteration", lambda a: a + 1), "checkpoint/iteration is 4"),
    "lost rows": (_replace("train/seconds", lambda a: a[:-1]), "train/seconds has shape"),
    "rows of another size": (_replace("train/values", lambda a: a[:, 1:]), "train/values has shape"),
    "a series of text": (_replace("train/seconds", lambda a: a.astype("S")), "train/seconds has type"),
    "task ids of numbers": (_replace("test/task_id", lambda a: a + 0.5), "test/task_id"),
    "no task ids": (_replace("test/task_id", lambda a: a[:0]), "test/task_id"),
    "a config that is no TOML": (_config(lambda text: text[:-5] + "["), "not valid TOML"),
    "a config of another program": (_config(lambda text: text.replace("sigma", "sigmo")), "'adaptation.sigmo'"),
    "a config that is a number": (_config(lambda text: 3), "toml of config is no text"),
}


@pytest.mark.parametrize("case", EDITS)
def test_files_that_another_program_has_changed(case, path):
    edit, words = EDITS[case]
    with h5py.File(path, "r+") as file:
        edit(file)
    with pytest.raises(ResultsError, match="damaged"):
        read(path)
    reseal(path)
    before = path.read_bytes()
    for attempt in (read, lambda path: esmaml_mpi.train(TINY, output=path, resume=True)):
        with pytest.raises(ResultsError) as caught:
            attempt(path)
        assert words in str(caught.value) and "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_file_cut_anywhere(finished, tmp_path):
    content = finished.read_bytes()
    for size in [*range(0, len(content), len(content) // 60), *range(len(content) - SIZE, len(content), 61)]:
        assert attack_file(content[:size], content, tmp_path / "run.h5") == "refused"


@pytest.mark.slow
def test_a_flip_of_any_byte_of_the_seal_and_of_some_bytes_before_it(finished, tmp_path):
    content = finished.read_bytes()
    for at in [*range(0, len(content), len(content) // 100), *range(len(content) - SIZE, len(content), 7)]:
        damaged = bytearray(content)
        damaged[at] ^= 1
        assert attack_file(bytes(damaged), content, tmp_path / "run.h5") == "refused"


def test_the_file_is_plain_hdf5(path):
    with h5py.File(path) as file:
        assert file["train/values"].shape == (3, 7) and file.userblock_size == 0
    content = path.read_bytes()
    first, second, *_ = content[-SIZE:].decode().splitlines()
    digest = hashlib.sha256(content[:-SIZE]).hexdigest()
    assert first == "esmaml_mpi results, format 3"
    assert second == f"HDF5 before this, {len(content) - SIZE} bytes, sha256 {digest}"


@pytest.mark.parametrize("content", [b"", b"text", sealed(b""), sealed(b"text"), b"\x89HDF\r\n\x1a\n" + b"\0" * 600])
@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_commands_say_so_in_one_line(content, command, tmp_path, capsys):
    path, config = tmp_path / "run.h5", tmp_path / "config.toml"
    path.write_bytes(content)
    config.write_text("")
    arguments = [str(path)] if command == "evaluate" else [str(config), "--resume", "--output", str(path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("esmaml_mpi.parallel.world.World.abort", lambda self, code: None)
        assert cli.main([command, *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("esmaml: cannot read ") and error.count("\n") == 1 and str(path) in error
    assert path.read_bytes() == content


def test_a_folder_and_an_unreadable_file(tmp_path):
    with pytest.raises(ResultsError, match="is not a file"):
        read(tmp_path)
    with pytest.raises(ResultsError, match="does not exist"):
        read(tmp_path / ("x" * 200))
    with pytest.raises(UserError):
        read(tmp_path / ("x" * 300))


def test_a_file_of_another_run_is_not_resumed(path):
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"adaptation\.queries: 2 -> 4"):
        esmaml_mpi.train(TINY, ["adaptation.queries=4"], output=path, resume=True)
    assert path.read_bytes() == before


def test_parameters_of_a_family_that_has_changed_since_are_not_evaluated(path, monkeypatch, capsys):
    monkeypatch.setitem(FAMILIES, "four_corners", "families:Wider")
    monkeypatch.setattr("esmaml_mpi.parallel.world.World.abort", lambda self, code: None)
    assert cli.main(["evaluate", str(path), "--repeats", "1"]) == 1
    error = capsys.readouterr().err
    assert "6 parameters for 2 observations" in error and "8 parameters for 3 observations" in error
    assert error.count("\n") == 1


def test_nothing_in_a_file_is_executed(path):
    """A pickled array is an object that h5py does not make: there is no way in."""
    with h5py.File(path, "r+") as file:
        del file["checkpoint/theta"]
        file["checkpoint/theta"] = np.frombuffer(b"cos\nsystem\n(S'false'\ntR.", dtype=np.uint8)
    reseal(path)
    with pytest.raises(ResultsError, match="checkpoint/theta is no array"):
        read(path)

"""The seal behind the HDF5 data: other programs find HDF5, looking changes nothing, older files are read as ever."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import assert_same_run

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import ResultsError
from esmaml_mpi.results.history import GROUPS
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.seal import HEAD, SIZE, reaching

OLD = Path(__file__).parent / "first_version" / "zero_order_linear.h5"
SETTINGS = {
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 3, "perturbations": 4, "current_evaluations": 2},
    "test": {"every": 2, "repeats": 2},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("seal") / "run.h5"
    esmaml_mpi.train(SETTINGS, output=path, quiet=True)
    return path


@pytest.fixture
def path(written, tmp_path):
    copy = tmp_path / "run.h5"
    copy.write_bytes(written.read_bytes())
    return copy


def test_a_look_with_the_right_to_change_changes_nothing(path):
    before = path.read_bytes()
    with h5py.File(path, "r+") as file:
        assert file["train/values"].shape == (3, 6)
        file.flush()
    assert path.read_bytes() == before
    read(path)


def test_what_another_program_adds_is_noticed_and_sealed_again(path, capsys):
    whole = read(path)
    with h5py.File(path, "r+") as file:
        file["mine"] = np.arange(10.0)
    with pytest.raises(ResultsError, match="it is damaged"):
        read(path)
    assert main(["info", str(path), "--repair"]) == 0
    assert_same_run(read(path), whole)
    before = path.read_bytes()
    with h5py.File(path, "r+") as file:
        assert file["mine"][3] == 3.0
    assert path.read_bytes() == before


def test_a_number_that_is_changed_in_place_is_noticed(path):
    with h5py.File(path, "r+") as file:
        file["test/after"][0, 0, 0] += 1
    assert path.read_bytes()[-SIZE:].startswith(b"esmaml_mpi results, format 3\n")
    with pytest.raises(ResultsError, match="it is damaged"):
        read(path)


def test_an_older_file_is_repaired_into_one_of_today(tmp_path, capsys):
    path = tmp_path / "run.h5"
    path.write_bytes(OLD.read_bytes())
    with h5py.File(path, "r+"):
        pass  # which changes two bytes of such a file
    with pytest.raises(ResultsError, match="it is damaged"):
        read(path)
    assert main(["info", str(path), "--repair"]) == 0
    assert path.read_bytes().startswith(b"\x89HDF\r\n\x1a\n")
    assert_same_run(read(path), read(OLD))
    before = path.read_bytes()
    with h5py.File(path, "r+"):
        pass
    assert path.read_bytes() == before


def test_an_older_file_that_goes_on_is_written_as_of_today(tmp_path):
    path = tmp_path / "run.h5"
    path.write_bytes(OLD.read_bytes())
    old = read(OLD)
    on = esmaml_mpi.train(old.config, ["meta.iterations=5"], output=path, resume=True, quiet=True)
    assert path.read_bytes().startswith(b"\x89HDF\r\n\x1a\n") and on.checkpoint["iteration"] == 5
    np.testing.assert_array_equal(on.history["train"]["values"][:4], old.history["train"]["values"][:4])


def test_another_superblock_is_left_as_it_is():
    for image in (b"", b"\x89HDF\r\n\x1a\n" + b"\2" * 60, b"x" * 100):
        assert reaching(image, 1000) == image[:HEAD]


def test_every_axis_of_a_series_has_a_name(written):
    names = {"E": "evaluation", "d": "parameter", "n": "observation", "tasks": "task_id", "repeats": "repeat"}
    with h5py.File(written) as file:
        for group, series in GROUPS.items():
            for name, about in series.items():
                letters = about.letters if len(file[group]["iteration"]) else []
                wanted = ["iteration", *(names[letter] for letter in letters)]
                dataset = file[group][name]
                if name != "iteration":
                    found = [axis[0].name.rpartition("/")[2] for axis in dataset.dims]
                    assert found == wanted
                    assert [len(axis[0]) for axis in dataset.dims] == list(dataset.shape)


LIBRARIES = """
import sys
import numpy as np
try:
    import h5netcdf, netCDF4, pandas, pyfive, tables, xarray
except ImportError as error:
    sys.exit(f"skipped: {error}")
path, mean = sys.argv[1], float(sys.argv[2])
before = open(path, "rb").read()
for engine in ("h5netcdf", "netcdf4"):
    with xarray.open_dataset(path, engine=engine, group="test") as test:
        assert test["after"].dims == ("iteration", "task_id", "repeat")
        assert float(test["after"].isel(iteration=-1).mean()) == mean, engine
assert pyfive.File(path)["test/after"][:][-1].mean() == mean
with pandas.HDFStore(path):
    pass
assert open(path, "rb").read() == before
"""


def test_xarray_pyfive_and_pandas_read_it_and_leave_it(path):
    mean = float(read(path).history["test"]["after"][-1].mean())
    done = subprocess.run([sys.executable, "-c", LIBRARIES, path, repr(mean)], capture_output=True, text=True)
    if "skipped" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    read(path)

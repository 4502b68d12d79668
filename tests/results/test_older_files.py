"""Files of the first version are read, evaluated and resumed, and its configurations give the numbers that it gave.

What the files are is said in first_version/README.md. The program adds in another order since, so that numbers agree
but for rounding. Where steps make rounding grow, as HalfCheetah's, or a pole falls a step later, they do so in the
first iteration alone.
"""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import reseal, same

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.config.config import changed_keys
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.results.history import GROUPS, History, Series
from esmaml_mpi.results.reader import read

FOLDER = Path(__file__).with_name("first_version")
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
TRAINED = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "pg_maml" else name for name in NAMES]
)
ROUGH = ("half_cheetah_shared", "pg_maml")
MORE = 2  # iterations that a resumed run makes


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A copy of the folder, to work in."""
    monkeypatch.chdir(shutil.copytree(FOLDER, tmp_path / "old"))


def assert_near(name, rows, others):
    same_so_far = slice(1) if name in ROUGH else slice(None)
    np.testing.assert_allclose(rows[same_so_far], others[same_so_far], rtol=1e-4)


def assert_trained_alike(name, results, others):
    # Of PG-MAML a task whose episodes all earn the same, as these poles that stand, is no signal since.
    for series in ("values", "gradient_norm")[: 1 if name == "pg_maml" else 2]:
        assert_near(name, results.history["train"][series], others.history["train"][series])


def test_all_eight_are_there():
    assert len(NAMES) == 8 and len(list(FOLDER.glob("*.h5"))) == 9  # and a session


@TRAINED
def test_the_same_configuration_gives_the_same_run(name):
    before = read(FOLDER / f"{name}.h5")
    now = esmaml_mpi.train(FOLDER / f"{name}.toml")
    assert changed_keys(before.config, now.config) == {}
    for series in ("before", "after"):
        assert_near(name, now.history["test"][series], before.history["test"][series])
    assert_trained_alike(name, now, before)
    for group in ("train", "test"):
        rows, others = now.history[group], before.history[group]
        assert {each: rows[each].shape for each in rows} == {each: others[each].shape for each in others}


@TRAINED
def test_it_is_resumed_as_if_it_had_never_stopped(old, name):
    path, more = Path(f"{name}.h5"), f"meta.iterations={read(f'{name}.h5').config.meta.iterations + MORE}"
    before = read(path)
    resumed = esmaml_mpi.train(f"{name}.toml", [more], output=path, resume=True)
    assert len(resumed.launches) == 2 and len(resumed.history["train"]["iteration"]) == resumed.config.meta.iterations
    for series, rows in before.history["train"].items():
        assert same(resumed.history["train"][series][: len(rows)], rows), series
    if name in ROUGH:
        return  # rounding has grown before it is resumed
    straight = esmaml_mpi.train(f"{name}.toml", [more])
    assert_trained_alike(name, resumed, straight)
    np.testing.assert_allclose(resumed.checkpoint["theta"], straight.checkpoint["theta"], rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_evaluated_exported_and_summarised(old, name, capsys):
    assert main(["evaluate", f"{name}.h5", "--repeats", "2", "--json", "-"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert np.isfinite(evaluated["after"]).all() and np.shape(evaluated["after"])[1] == 2
    assert main(["info", f"{name}.h5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"]["kind"] == "complete"
    assert main(["export", f"{name}.h5", "--csv", "tables"]) == 0
    assert (Path("tables") / name / "train.csv").read_text().startswith("iteration,")


def test_its_session_goes_on(old, capsys):
    assert main(["adapt", "--session", "adaptation_session.h5"]) == 0
    assert "2 of 5 trials told" in (said := capsys.readouterr().out) and "done after 5 trials" in said


@pytest.fixture
def newer(monkeypatch):
    """A version with two series and a group that the files do not have; its training writes the series."""
    monkeypatch.setitem(GROUPS["train"], "novelty", Series("f8", "()", "", "twice the iteration", default=np.nan))
    monkeypatch.setitem(GROUPS["train"], "ages", Series("i8", "(E,)", "", "of evaluations", default=-1))
    iteration = GROUPS["train"]["iteration"]
    monkeypatch.setitem(GROUPS, "news", {"iteration": iteration, "what": Series("f8", "()", "", "news", default=0)})
    append = History.append

    def appended(self, group, **row):
        more = {"novelty": 2.0 * row["iteration"], "ages": np.arange(len(row["values"]))} if group == "train" else {}
        append(self, group, **row, **more)

    monkeypatch.setattr(History, "append", appended)


def test_a_series_that_is_newer_than_a_file_has_its_default_there(old, newer):
    found = read("zero_order_linear.h5").history
    assert np.isnan(found["train"]["novelty"]).all() and found["train"]["novelty"].shape == (4,)
    assert (found["train"]["ages"] == -1).all() and found["train"]["ages"].shape == found["train"]["values"].shape
    assert len(found["news"]["what"]) == len(found["news"]["iteration"]) == 0
    resumed = esmaml_mpi.train("zero_order_linear.toml", ["meta.iterations=6"], "zero_order_linear.h5", resume=True)
    for results in (resumed, read("zero_order_linear.h5")):
        assert same(results.history["train"]["novelty"], np.array([np.nan] * 4 + [8.0, 10.0]))
        assert results.history["train"]["ages"][3:5].tolist() == [[-1] * 8, list(range(8))]


def test_a_series_without_a_default_must_be_there(old, monkeypatch):
    monkeypatch.setitem(GROUPS["train"], "novelty", Series("f8", "()", "", "news"))
    with pytest.raises(ResultsError, match="train/novelty is missing"):
        read("zero_order_linear.h5")


def test_what_a_newer_version_has_written_is_read_but_not_resumed(old, newer, monkeypatch):
    path = Path("newer.h5").resolve()
    esmaml_mpi.train("zero_order_linear.toml", output=path)
    monkeypatch.undo()  # an older version, in another folder
    before = path.read_bytes()
    assert read(path).unknown_series == ("train/ages", "train/novelty")
    with pytest.raises(UsageError, match=r"newer version .* \(train/ages, train/novelty\)"):
        esmaml_mpi.train(FOLDER / "zero_order_linear.toml", ["meta.iterations=6"], path, resume=True)
    assert path.read_bytes() == before


def test_a_damaged_series_is_still_refused(old):
    path = Path("zero_order_linear.h5")
    with h5py.File(path, "r+") as file:
        del file["train/values"]
    reseal(path)
    with pytest.raises(ResultsError, match="train/values is missing"):
        read(path)

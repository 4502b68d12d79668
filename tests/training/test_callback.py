"""A function of the user's that watches a run from Python, and stops it."""

import numpy as np
import pytest
from helpers import assert_same_run

import esmaml_mpi

SETTINGS = {
    "policy": {"hidden": []},
    "task": {"name": "navigation_2d", "horizon": 10, "train_size": 2, "batch_size": 2, "test_size": 2},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 5, "perturbations": 4, "current_evaluations": 2},
    "test": {"every": 2, "repeats": 2},
}


@pytest.fixture(scope="module")
def whole():
    return esmaml_mpi.train(SETTINGS)


def test_it_sees_what_the_results_hold_and_changes_nothing(whole):
    seen = []

    def watch(moment):
        seen.append(moment)
        moment.theta[:] = 0
        if moment.after is not None:
            moment.after[:] = 0

    assert_same_run(esmaml_mpi.train(SETTINGS, callback=watch), whole)
    assert [moment.iteration for moment in seen] == [1, 2, 3, 4, 5] and seen[0].iterations == 5
    assert [moment.tested_at for moment in seen] == [0, 0, 2, 2, 5], "the last is told the final test"
    np.testing.assert_array_equal([moment.value for moment in seen], whole.history["train"]["meta_value"])


def test_true_stops_the_run_which_goes_on_with_resume(whole, tmp_path, capsys):
    output = tmp_path / "run.h5"
    stopped = esmaml_mpi.train(SETTINGS, output=output, callback=lambda moment: moment.iteration >= 3)
    assert stopped.checkpoint["iteration"] == 3 and "stopped by a signal or the callback" in capsys.readouterr().out
    assert_same_run(esmaml_mpi.train(SETTINGS, output=output, resume=True), whole)
    assert "it goes on from iteration 3 of 5" in capsys.readouterr().out


def test_its_error_is_raised_once_all_is_saved(tmp_path):
    def watch(moment):
        if moment.iteration == 3:
            raise RuntimeError("no such figure")

    with pytest.raises(RuntimeError, match="no such figure"):
        esmaml_mpi.train(SETTINGS, output=tmp_path / "run.h5", callback=watch)
    assert esmaml_mpi.read_results(tmp_path / "run.h5").checkpoint["iteration"] == 3


def test_what_is_no_function_is_refused():
    with pytest.raises(esmaml_mpi.errors.UsageError, match="callback = 3"):
        esmaml_mpi.train(SETTINGS, callback=3)


def test_quiet_prints_nothing(tmp_path, capsys):
    esmaml_mpi.train(SETTINGS, output=tmp_path / "run.h5", quiet=True)
    assert capsys.readouterr().out == ""

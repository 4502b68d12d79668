"""Runs with a results file: resumed, extended, replaced, refused."""

import numpy as np
import pytest
from helpers import assert_same_run

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError, ResultsError, TrainingError, UsageError
from esmaml_mpi.tasks import FAMILIES

SMALL = load(
    {
        "run": {"seed": 3},
        "task": {"horizon": 12, "options": {"reward": "squared_distance"}},
        "policy": {"hidden": [4]},
        "adaptation": {"queries": 4},
        "meta": {"perturbations": 6, "current_evaluations": 4, "iterations": 9, "step_size": 0.05},
        "test": {"every": 3, "repeats": 2},
        "checkpoint": {"every": 2},
    }
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.h5"


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("cuts", [[0], [1], [3], [4], [2, 5, 8]])
def test_a_run_extended_step_by_step_is_the_uninterrupted_one(path, tmp_path, optimizer, cuts):
    settings = [f"meta.optimizer={optimizer}"]
    whole = esmaml_mpi.train(SMALL, settings, tmp_path / "whole.h5")
    for cut in [*cuts, 9]:
        results = esmaml_mpi.train(SMALL, [*settings, f"meta.iterations={cut}"], path, resume=True)
        assert results.checkpoint["iteration"] == cut and results.history["test"]["iteration"][-1] == cut
    assert_same_run(results, whole)
    assert len(results.launches) == len(cuts) + 1


def test_what_is_read_from_the_file_is_what_was_in_memory(path):
    assert_same_run(esmaml_mpi.train(SMALL, (), path), esmaml_mpi.train(SMALL))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("iteration", [1, 6, 7])
def test_after_an_error_the_run_goes_on_from_its_last_checkpoint(path, monkeypatch, optimizer, iteration):
    settings = [f"meta.optimizer={optimizer}"]
    original = esmaml_mpi.training.loop.Training._evaluate

    def evaluate(self, *arguments):
        if self.state.iteration == iteration:
            raise MemoryError("out of memory")
        return original(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(esmaml_mpi.training.loop.Training, "_evaluate", evaluate)
        esmaml_mpi.train(SMALL, settings, path)
    assert esmaml_mpi.read_results(path).checkpoint["iteration"] == iteration - iteration % 2
    assert_same_run(esmaml_mpi.train(SMALL, settings, path, resume=True), esmaml_mpi.train(SMALL, settings))


def test_redrawn_iterations_resume_the_same(path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "flaky", "helpers:Flaky")
    settings = ["task.name=flaky", "task.options.failure_rate=0.02"]
    esmaml_mpi.train(SMALL, [*settings, "meta.iterations=4"], path)
    whole = esmaml_mpi.train(SMALL, settings)
    assert whole.history["train"]["redraws"].sum() > 0
    assert_same_run(esmaml_mpi.train(SMALL, settings, path, resume=True), whole)


def test_a_run_that_fails_leaves_a_file_that_can_be_read(path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "flaky", "helpers:Flaky")
    with pytest.raises(TrainingError):
        esmaml_mpi.train(SMALL, ["task.name=flaky", "task.options.failure_rate=1.0", "meta.max_redraws=1"], path)
    assert esmaml_mpi.read_results(path).checkpoint["iteration"] == 0


def test_resuming_a_finished_run_changes_nothing(path):
    first = esmaml_mpi.train(SMALL, (), path)
    assert_same_run(esmaml_mpi.train(SMALL, (), path, resume=True), first)


def test_settings_that_change_no_number_may_change(path):
    esmaml_mpi.train(SMALL, ["meta.iterations=4"], path)
    changed = ["run.threads=2", "checkpoint.every=0", "checkpoint.minutes=1.0"]
    assert_same_run(esmaml_mpi.train(SMALL, changed, path, resume=True), esmaml_mpi.train(SMALL))


def test_an_existing_file_is_neither_replaced_nor_continued_unasked(path):
    esmaml_mpi.train(SMALL, ["meta.iterations=2"], path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"run\.h5 exists.*--resume.*--overwrite"):
        esmaml_mpi.train(SMALL, (), path)
    assert path.read_bytes() == before
    replaced = esmaml_mpi.train(SMALL, ["run.seed=4", "meta.iterations=1"], path, overwrite=True)
    assert replaced.config.run.seed == 4 and replaced.checkpoint["iteration"] == 1 and len(replaced.launches) == 1


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"overwrite": True}])
def test_a_folder_is_no_results_file(path, how):
    path.mkdir()
    with pytest.raises(ResultsError, match=r"run\.h5 is not a file but a folder.*--output .*/run\.h5/run\.h5"):
        esmaml_mpi.train(SMALL, (), path, **how)
    assert list(path.parent.rglob("*")) == [path]


@pytest.mark.parametrize(
    "override, message",
    [
        ("meta.sigma=0.2", "meta.sigma: 0.1 -> 0.2"),
        ("run.seed=4", "run.seed: 3 -> 4"),
        ("policy.hidden=[5]", r"policy.hidden: \[4\] -> \[5\]"),
        ("task.options.penalty=1", "task.options.penalty: 0.0 -> 1.0"),
        ("test.repeats=3", "test.repeats: 2 -> 3"),
        ("meta.iterations=3", "meta.iterations = 3, but 4 are done already"),
    ],
)
def test_resuming_under_another_config_is_refused_by_name(path, override, message):
    esmaml_mpi.train(SMALL, ["meta.iterations=4"], path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=f"cannot resume .*run.h5.*{message}"):
        esmaml_mpi.train(SMALL, ["meta.iterations=4", override], path, resume=True)
    assert path.read_bytes() == before


def test_all_changed_keys_are_named_at_once(path):
    esmaml_mpi.train(SMALL, ["meta.iterations=1"], path)
    with pytest.raises(ConfigError) as caught:
        esmaml_mpi.train(SMALL, ["meta.sigma=0.2", "adaptation.queries=5"], path, resume=True)
    assert "meta.sigma: 0.1 -> 0.2" in str(caught.value) and "adaptation.queries: 4 -> 5" in str(caught.value)


def test_parameters_are_found_by_iteration_last_or_best(path):
    results = esmaml_mpi.train(SMALL, (), path)
    history = results.history
    for at, row in ((0, 0), (6, 2), ("last", 3), ("best", int(np.argmax(history["test"]["after"].mean(axis=(1, 2)))))):
        iteration, theta, mean, std = results.parameters(at)
        assert iteration == history["parameters"]["iteration"][row]
        assert np.array_equal(theta, history["parameters"]["value"][row])
        assert np.array_equal(mean, history["normalization"]["mean"][row])
        assert np.array_equal(std, history["normalization"]["std"][row])

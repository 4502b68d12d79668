"""The public interface is small, there, and documented; its types are mypy's business (tests/public_types.py)."""

import subprocess
import sys
import threading
from importlib.resources import files
from pathlib import Path

import pytest

import esmaml_mpi
from esmaml_mpi.errors import UserError

LIBRARY = (Path(__file__).parents[1] / "docs" / "library.md").read_text()


@pytest.mark.parametrize("name", esmaml_mpi.__all__)
def test_names_are_there_and_documented(name):
    assert getattr(esmaml_mpi, name).__doc__
    assert f"| `{name}" in LIBRARY


def test_it_is_small_typed_and_free_of_numpy_until_used():
    assert len(esmaml_mpi.__all__) < 10
    assert files(esmaml_mpi).joinpath("py.typed").is_file()
    code = "import sys, esmaml_mpi; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        esmaml_mpi.nothing  # noqa: B018


SMALL = {
    "policy": {"hidden": []},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"repeats": 1},
}


@pytest.fixture(scope="module")
def results():
    return esmaml_mpi.train(SMALL)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"config": None}, "configuration None: a TOML file's path, a mapping or a Config"),
        ({"config": 0}, "configuration 0: a TOML file's path"),  # not the file that is open as number 0
        ({"overrides": "meta.sigma=0.05"}, r"overrides = 'meta.sigma=0.05': a list of strings is wanted"),
        ({"overrides": {"meta.sigma": 0.05}}, "a list of strings is wanted"),
        ({"overrides": [None]}, "a list of strings is wanted"),
        ({"overrides": None}, "a list of strings is wanted"),
        ({"output": ""}, "output = '': a results file's path, or None, is wanted"),
        ({"output": 3}, "output = 3: a results file's path"),
        ({"output": "there.h5", "resume": True, "overwrite": True}, "resume and overwrite: one of them"),
        ({"resume": True}, "resume: the output to work on is wanted"),
        ({"overwrite": True}, "overwrite: the output to work on is wanted"),
    ],
)
def test_training_refuses_arguments_in_one_line_and_touches_no_file(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.h5").write_text("mine")
    with pytest.raises(UserError, match=message):
        esmaml_mpi.train(**{"config": SMALL, **arguments})
    assert [path.name for path in tmp_path.iterdir()] == ["there.h5"]
    assert (tmp_path / "there.h5").read_text() == "mine"


def test_a_thread_that_cannot_be_interrupted_is_refused_a_time_limit():
    said = []

    def train():
        try:
            esmaml_mpi.train(SMALL, ["run.unit_timeout=5"])
        except UserError as error:
            said.append(str(error))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert said and "only the main thread can be interrupted" in said[0]


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda results, meta: esmaml_mpi.MetaPolicy("run.h5"), r"results = 'run.h5': Results are wanted"),
        (lambda results, meta: esmaml_mpi.MetaPolicy(results, overrides="adaptation.queries=2"), "a list of strings"),
        (lambda results, meta: results.parameters(7), "the run in memory has no parameters of iteration 7"),
        (lambda results, meta: esmaml_mpi.read_results(None), "results file None: a path is wanted"),
        (lambda results, meta: meta.act(meta.theta, {"x": 1}), r"observation = {'x': 1}: numbers \(2,\) are wanted"),
        (lambda results, meta: meta.adaptation(seed=-1), "seed = -1: an integer from 0"),
        (lambda results, meta: meta.adaptation(seed=0.5), "seed = 0.5: an integer from 0"),
        (lambda results, meta: meta.adaptation(task=2**32), "task = 4294967296: an integer from 0"),
    ],
)
def test_what_a_trained_policy_is_not_is_said(results, use, message):
    meta = esmaml_mpi.MetaPolicy(results)
    with pytest.raises(UserError, match=message):
        use(results, meta)

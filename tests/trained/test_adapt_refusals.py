"""What the ``adapt`` command refuses, and that nothing is left behind then."""

import os

import pytest

import esmaml_mpi
from esmaml_mpi.commands.main import main


@pytest.mark.parametrize("options, said", [
    (["--seed", -1], "--seed -1"), (["--task", 4], "tasks 0 to 3"), (["--task", -1], "--task -1"),
    (["--set", "meta.sigma=1"], "only adaptation"),
])  # fmt: skip
def test_refusals_leave_nothing_behind(results, adapt, tmp_path, options, said):
    code, _, err = adapt(results, *options)
    assert code == 2 and said in err and os.listdir(tmp_path) == []


def test_an_operator_that_has_no_sessions_leaves_nothing_behind(adapt, tmp_path):
    pytest.importorskip("jax")
    config = {
        "task": {"horizon": 5},
        "policy": {"hidden": [], "output": "identity"},
        "adaptation": {"operator": "policy_gradient", "queries": 2},
        "meta": {"algorithm": "pg_maml", "iterations": 0},
        "test": {"repeats": 1},
    }
    run = esmaml_mpi.train(config, output=tmp_path / "pg.h5")
    before = sorted(os.listdir(tmp_path))
    code, _, err = adapt(run.path)
    assert code == 2 and "a session is told one reward a trial" in err and sorted(os.listdir(tmp_path)) == before


def test_an_evaluation_does_not_write_over_its_results(results, capsys):
    before = results.read_bytes()
    assert main(["evaluate", str(results), "--json", os.path.relpath(results)]) == 2
    assert "that is the results file itself" in capsys.readouterr().err and results.read_bytes() == before


def test_a_session_is_no_results_file(results, adapt, tmp_path, capsys):
    adapt(results, "--task", 0, "--trials", 1)
    assert main(["info", str(tmp_path / "a.session")]) == 1
    assert "is a session of `esmaml adapt --session`, and a training run's file is wanted" in capsys.readouterr().err


def test_a_damaged_session_is_refused(results, adapt, tmp_path):
    adapt(results, typed="1\n")
    file = tmp_path / "a.session"
    file.write_bytes(file.read_bytes()[:-1])
    code, _, err = adapt()
    assert code == 1 and "it is damaged" in err

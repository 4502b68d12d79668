"""MetaPolicy acts as the simulation does, and its sessions are those of ``esmaml adapt``."""

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.errors import UsageError
from esmaml_mpi.results.session_file import SessionFile

SETTINGS = {
    "task": {"name": "navigation_2d", "horizon": 10},
    "policy": {"hidden": [4]},
    "adaptation": {"queries": 3, "directions": "orthogonal"},
    "meta": {"iterations": 3, "perturbations": 4, "current_evaluations": 2},
    "test": {"every": 1, "repeats": 2},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("meta") / "run.h5"
    esmaml_mpi.train(SETTINGS, output=path)
    return path


def test_actions_are_those_of_a_plain_network(path):
    results = esmaml_mpi.read_results(path)
    meta = esmaml_mpi.MetaPolicy(results, 1)
    _, theta, mean, std = results.parameters(1)
    assert meta.iteration == 1 and (meta.theta == theta).all()
    observation = np.array([0.3, -0.2])
    x = (observation - mean) / std
    first, biases, second, last = theta[:8].reshape(2, 4), theta[8:12], theta[12:20].reshape(4, 2), theta[20:]
    expected = np.tanh(np.maximum(x @ first + biases, 0) @ second + last)
    np.testing.assert_allclose(meta.act(theta, observation), expected, rtol=1e-12)


def test_a_session_is_that_of_the_command(path, tmp_path, capsys):
    session = tmp_path / "session.h5"
    assert cli.main(["adapt", str(path), "--session", str(session), "--task", "52", "--seed", "5"]) == 0
    capsys.readouterr()
    with SessionFile(session) as file:
        rewards = file.read().rewards
    meta = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(path))
    again = meta.adaptation(seed=5, task=52, rewards=rewards)
    assert again.done
    with np.load(tmp_path / "session.adapted.npz") as adapted:
        weights = np.concatenate([adapted[name].ravel() for name in ("weights_0", "biases_0", "weights_1", "biases_1")])
    assert (again.best == weights).all()


def test_overrides_and_refusals(path):
    results = esmaml_mpi.read_results(path)
    meta = esmaml_mpi.MetaPolicy(results, "best", ["adaptation.queries=7"])
    assert meta.adaptation().total == 8
    with pytest.raises(UsageError, match=r"only adaptation\.\*"):
        esmaml_mpi.MetaPolicy(results, overrides=["meta.sigma=1"])
    with pytest.raises(UsageError, match=r"observation of shape \(3,\): \(2,\) is wanted"):
        meta.act(meta.theta, np.zeros(3))


def test_results_in_memory_do():
    results = esmaml_mpi.train(SETTINGS, ["meta.iterations=1"])
    assert esmaml_mpi.MetaPolicy(results).iteration == 1

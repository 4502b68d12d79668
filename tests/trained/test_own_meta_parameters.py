"""Meta-policies whose operator learns something for itself: from the results file alone all is done with them that is
done with others.
"""

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.trained.policy_file import read_policy

D = 3 * 3 + 4 * 2  # parameters of the policy
PROGRAMME, LATENT, LENGTHS = 3 * 3, 2 * 3, 1 + D  # of its first biases; sigma, and a scale for each parameter
OWN = PROGRAMME + LATENT + LENGTHS
SETTINGS = {
    "task": {"name": "four_corners", "horizon": 10, "options": {"reward": "squared_distance"}},
    "policy": {"hidden": [3]},
    "adaptation": {
        "operator": "chain",
        "links": [
            {"operator": "trial_programme", "queries": 3},
            {"operator": "latent_search", "latent": 2, "queries": 4},
            {"operator": "hill_climbing", "queries": 2, "learned": ["sigma", "scales"]},
        ],
    },
    "meta": {"iterations": 3, "perturbations": 6, "current_evaluations": 2, "optimizer": "adam"},
    "test": {"every": 1, "repeats": 2},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "run.h5"
    esmaml_mpi.train(SETTINGS, output=path)
    return path


def finish(session):
    while not session.done:
        session.tell(-float(np.sum((session.ask() - 0.3) ** 2)))


def test_a_meta_policy_acts_and_adapts(path):
    results = esmaml_mpi.read_results(path)
    meta = esmaml_mpi.MetaPolicy(results)
    assert meta.theta.shape == (D + OWN,)
    observation = [0.1, -0.4]
    assert np.array_equal(meta.act(meta.theta, observation), meta.act(meta.theta[:D], observation))
    adaptation = meta.adaptation(seed=2)
    assert np.array_equal(adaptation.ask(), meta.theta[:D]) and np.array_equal(adaptation.best, meta.theta[:D])
    finish(adaptation)
    assert adaptation.trials == 4 + 5 + 3 and adaptation.best.shape == (D,)
    assert meta.bind(adaptation.best).act(observation).shape == (2,)
    with pytest.raises(UsageError, match=rf"parameters of shape \(3,\): \({D},\) is wanted"):
        meta.act(np.zeros(3), observation)


def test_a_session_goes_on_and_is_exported_as_any_policy(path, tmp_path):
    file = tmp_path / "session.h5"
    with esmaml_mpi.Session.create(file, path, seed=3) as session:
        for _ in range(5):
            session.tell(-float(np.sum((session.ask() - 0.3) ** 2)))
    with esmaml_mpi.Session.open(file) as session:
        finish(session)
        best = session.best
    alone = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(path)).adaptation(seed=3)
    finish(alone)
    assert np.array_equal(best, alone.best)
    for source, wanted in ((file, best), (path, esmaml_mpi.read_results(path).parameters()[1][:D])):
        output = tmp_path / f"{source.stem}.npz"
        assert cli.main(["export", str(source), "--policy", "npz", "--output", str(output)]) == 0
        portable = read_policy(output)
        assert portable.network.size == D and np.array_equal(portable.parameters, wanted)


def test_commands_evaluate_and_adapt(path, tmp_path, capsys):
    assert cli.main(["evaluate", str(path), "--repeats", "2"]) == 0
    assert cli.main(["adapt", str(path), "--session", str(tmp_path / "task.h5"), "--task", "2", "--seed", "5"]) == 0
    assert "task 2: reward" in capsys.readouterr().out


def test_all_meta_parameters_are_learned(path):
    rows = esmaml_mpi.read_results(path).history["parameters"]["value"]
    assert rows.shape == (4, D + OWN) and np.all(rows[0][D:] != rows[-1][D:])


def test_an_operator_without_takes_the_policy_alone(path):
    results = esmaml_mpi.read_results(path)
    other = esmaml_mpi.MetaPolicy(results, overrides=["adaptation.operator=hill_climbing", "adaptation.queries=3"])
    assert other.theta.shape == (D,)
    finish(other.adaptation())


@pytest.mark.parametrize(
    "operator, setting",
    [("trial_programme", "queries=3"), ("latent_search", "latent=2"), ("hill_climbing", "learned=['sigma']")],
)
def test_an_operator_with_others_is_refused(path, operator, setting):
    with pytest.raises(UsageError, match="which this run has not trained"):
        esmaml_mpi.MetaPolicy(
            esmaml_mpi.read_results(path), overrides=[f"adaptation.operator={operator}", f"adaptation.{setting}"]
        )


def test_another_run_begins_with_theirs_or_says_why_not(path):
    again = esmaml_mpi.train(SETTINGS, ["meta.iterations=0"], start_from=path)
    assert np.array_equal(again.parameters()[1], esmaml_mpi.read_results(path).parameters()[1])
    alike = {**SETTINGS, "adaptation": {"operator": "trial_programme", "queries": OWN // 3}}
    with pytest.raises(ConfigError, match="operator's own"):
        esmaml_mpi.train(alike, start_from=path)
    with pytest.raises(ConfigError, match=f"{D + OWN} parameters for 2 observations, and those of this run {D}"):
        esmaml_mpi.train({**SETTINGS, "adaptation": {}}, start_from=path)


def test_resumed_it_is_the_same(path, tmp_path):
    esmaml_mpi.train(SETTINGS, ["meta.iterations=1"], output=tmp_path / "run.h5")
    resumed = esmaml_mpi.train(SETTINGS, output=tmp_path / "run.h5", resume=True)
    whole = esmaml_mpi.read_results(path)
    assert np.array_equal(resumed.history["parameters"]["value"], whole.history["parameters"]["value"])
    assert np.array_equal(resumed.history["test"]["after"], whole.history["test"]["after"])


@pytest.mark.parametrize("architecture, hidden", [("gru", [3]), ("elman", [3, 2]), ("timed", [3]), ("mlp", [])])
def test_every_policy_of_the_package_can_be_shifted(architecture, hidden):
    results = esmaml_mpi.train(
        {**SETTINGS, "policy": {"architecture": architecture, "hidden": hidden}}, ["meta.iterations=1"]
    )
    test = results.history["test"]
    assert np.isfinite(test["after"]).all() and np.all(test["after"] >= test["before"])

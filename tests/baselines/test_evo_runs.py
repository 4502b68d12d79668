"""Both forms of Evo-MAML in training: records, the first step worked out again, failures, sessions, refusals."""

import json

import numpy as np
import pytest
from driving_stages import answered
from helpers import assert_same_run, same

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.tasks import FAMILIES

COMMON = {
    "run": {"seed": 1},
    "task": {"name": "navigation_2d", "horizon": 8, "train_size": 7, "batch_size": 3, "test_size": 2},
    "policy": {"hidden": [], "output_gain": 0.1},
    "test": {"every": 1, "repeats": 2},
}
FORMS = {
    "evo_zero_order": load(
        {
            **COMMON,
            "adaptation": {"operator": "evo_es_gradient", "queries": 4, "steps": 2, "candidates": 3},
            "meta": {"algorithm": "evo_zero_order", "iterations": 3, "perturbations": 6},
        }
    ),
    "evo_maml": load(
        {
            **COMMON,
            "adaptation": {"operator": "evo_policy_gradient", "queries": 4, "steps": 2, "candidates": 3},
            "meta": {"algorithm": "evo_maml", "iterations": 3, "query_trajectories": 5},
        }
    ),
}
# Of one task: in the adaptation, and for the outer gradient.
VALUES = {"evo_zero_order": (2 * 5 + 3, 7), "evo_maml": (2 * 4, 5)}
EACH = pytest.mark.parametrize("name", FORMS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evo")
    return {
        name: (esmaml_mpi.train(c, output=folder / f"{name}.h5"), folder / f"{name}.h5") for name, c in FORMS.items()
    }


@EACH
def test_records_add_up(trained, name):
    support, query = VALUES[name]
    rows = trained[name][0].history["train"]
    assert rows["values"].shape == (3, 3 * (support + query)) and np.all(rows["rollouts"] == 3 * (support + query))
    found = rows["values"].reshape(3, 3, -1)[:, :, support:]
    if name == "evo_zero_order":
        found = found[:, :, -1:]  # the adapted policy itself
    np.testing.assert_allclose(rows["meta_value"], found.mean(axis=(1, 2)), rtol=1e-12)
    assert np.all(rows["gradient_norm"] > 0) and np.all(rows["failed_units"] == 0)


@EACH
def test_the_step_is_the_mean_of_the_tasks_gradients(trained, name):
    """Those that the last stage gives; units done one by one and by others give the same."""
    results = trained[name][0]
    experiment, stages = Experiment(FORMS[name].resolved()), []
    theta, n = experiment.initial_theta(), experiment.policy.observation_size
    session = experiment.algorithm.iteration(theta, Round(Phase.TRAIN, 0), None, UnitStatistics(0, n))

    def look(request, rows, tally):
        stages.append((request, rows, tally))

    step = answered(experiment, theta, session, 0, look)
    other = Experiment(FORMS[name].resolved())
    for request, rows, _ in stages:
        for i in range(request.stage.units - 1, -1, -2):
            assert same(other.train_units(request, range(i, i + 1))[0], rows[i : i + 1])
    gradients = stages[-1][1]
    if name == "evo_maml":  # sums of shares, over the steps of all trajectories
        (steps,) = [tally.steps for _, _, tally in stages if tally.steps.any()][2:]
        gradients = gradients.reshape(3, -1, theta.size).sum(axis=1) / steps.reshape(3, -1).sum(axis=1)[:, None]
    np.testing.assert_allclose(step.gradient, gradients.mean(axis=0), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(results.history["parameters"]["value"][1] - theta, 0.01 * step.gradient, rtol=1e-9)


@EACH
def test_threads_and_resuming_change_nothing(trained, tmp_path, name):
    from esmaml_mpi.results.reader import read

    results, _ = trained[name]
    assert_same_run(esmaml_mpi.train(FORMS[name], ["run.threads=2"]), results)
    (tmp_path / "config.toml").write_text(FORMS[name].to_toml())
    output = tmp_path / "parts.h5"
    for iterations in (1, 3):
        chosen = ["--set", f"meta.iterations={iterations}", "--output", str(output), "--resume"]
        assert main(["train", str(tmp_path / "config.toml"), *chosen]) == 0
    assert same(read(output).checkpoint["theta"], results.checkpoint["theta"])


@EACH
def test_failed_tasks_leave_the_estimate_and_are_counted(monkeypatch, name):
    monkeypatch.setitem(FAMILIES, "flaky", "helpers:Flaky")
    settings = {**FORMS[name].to_dict(), "task": {"name": "flaky", "horizon": 8, "options": {"failure_rate": 0.01}}}
    rows = esmaml_mpi.train(settings, ["meta.iterations=8", "test.every=0"]).history["train"]
    assert rows["failed_units"].sum() > 0 and np.all(rows["failed_units"] % sum(VALUES[name]) == 0)
    assert np.array_equal(np.isnan(rows["values"]).sum(axis=1), rows["failed_units"])
    assert np.isfinite(rows["gradient_norm"]).all()


@EACH
def test_evaluating(trained, capsys, name):
    found = []
    for _ in range(2):
        assert main(["evaluate", str(trained[name][1]), "--repeats", "2", "--json", "-"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1] and found[0]["rollouts_per_adaptation"] == VALUES[name][0]


def test_more_candidates_than_queries_are_as_many_rollouts_as_was_said(tmp_path, capsys):
    output, changes = tmp_path / "run.h5", ["meta.iterations=1", "test.every=0", "adaptation.candidates=9"]
    rows = esmaml_mpi.train(FORMS["evo_zero_order"], changes, output=output).history["train"]
    assert rows["rollouts"].tolist() == [3 * (2 * 5 + 9 + 7)]
    assert main(["adapt", str(output), "--session", str(tmp_path / "session.h5"), "--task", "7"]) == 0
    assert "done after 19 trials" in capsys.readouterr().out


def test_a_session_adapts_by_rewards_as_an_evaluation_does_and_not_by_trajectories(trained, tmp_path, capsys):
    path = trained["evo_zero_order"][1]
    assert main(["adapt", str(path), "--session", str(tmp_path / "session.h5"), "--task", "7"]) == 0
    assert "done after 13 trials" in capsys.readouterr().out and (tmp_path / "session.adapted.npz").exists()
    assert main(["adapt", str(trained["evo_maml"][1]), "--session", str(tmp_path / "other.h5")]) == 2
    assert "a session is told one reward a trial" in capsys.readouterr().err


HINT = (
    "If this goes on and it is not the best there is, the policy cannot see the reward from where it is: try another "
    "run.seed, a smaller policy.output_gain, or a larger "
)


@pytest.mark.slow
@EACH
def test_rewards_that_are_all_the_same_leave_theta_where_it_is(monkeypatch, name):
    monkeypatch.setitem(FAMILIES, "salaried", "helpers:Salaried")
    settings = {**FORMS[name].to_dict(), "task": {"name": "salaried", "horizon": 25}}
    history = esmaml_mpi.train(settings, ["meta.iterations=2", "test.every=1"]).history
    assert np.all(history["train"]["gradient_norm"] == 0)
    value = history["parameters"]["value"]
    assert np.all(value == value[0])


@pytest.mark.slow
@EACH
def test_a_run_without_a_signal_says_so_and_names_settings_that_there_are(monkeypatch, capsys, name):
    monkeypatch.setitem(FAMILIES, "unpaid", "helpers:Unpaid")
    settings = {**FORMS[name].to_dict(), "task": {"name": "unpaid", "horizon": 4}}
    rows = esmaml_mpi.train(settings, ["meta.iterations=1", "test.every=0"]).history["train"]
    assert np.array_equal(rows["gradient_norm"], [0.0])
    wanted = {"evo_zero_order": "meta.sigma.", "evo_maml": "meta.initial_std."}[name]
    assert f"no meta-gradient, as all evaluations returned the same (0). {HINT}{wanted}" in capsys.readouterr().out


REFUSED = {
    ("evo_zero_order", "adaptation.operator=es_gradient"): "'evo_es_gradient'",
    ("evo_zero_order", "adaptation.candidates=1"): "adaptation.candidates = 1",
    ("evo_zero_order", "meta.perturbations=5"): "meta.perturbations = 5",
    ("evo_zero_order", "adaptation.directions=active_subspace"): "adaptation.directions = 'active_subspace'",
    ("evo_zero_order", "task.corruption.fraction=0.1"): "task.corruption",
    ("evo_maml", "adaptation.operator=policy_gradient"): "'evo_policy_gradient'",
    ("evo_maml", "adaptation.directions=orthogonal"): "adaptation.directions = 'orthogonal'",
}


@pytest.mark.parametrize(("name", "override"), REFUSED)
def test_what_cannot_be_is_refused_by_name(name, override):
    with pytest.raises(ConfigError) as error:
        load(FORMS[name], [override]).resolved()
    assert REFUSED[name, override] in str(error.value)

"""Training by policy gradients: records, refusals, failures, and trajectories that another rank has to sample again."""

import json

import numpy as np
import pytest
from driving_stages import answered
from helpers import same

import esmaml_mpi
from esmaml_mpi.baselines.asking import Asking
from esmaml_mpi.baselines.inner_objectives import INNER_OBJECTIVES
from esmaml_mpi.baselines.meta_gradient import Asked, MetaGradient
from esmaml_mpi.baselines.pg_maml_settings import EMAMLSettings, PGMAMLSettings
from esmaml_mpi.baselines.trajectory_shares import KINDS
from esmaml_mpi.commands.main import main
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.tasks import FAMILIES

SMALL = load(
    {
        "run": {"seed": 1},
        "task": {"name": "navigation_2d", "horizon": 8, "train_size": 7, "batch_size": 3, "test_size": 2},
        "policy": {"hidden": [], "output": "identity"},
        "adaptation": {"operator": "policy_gradient", "queries": 4},
        "meta": {"algorithm": "pg_maml", "iterations": 3, "query_trajectories": 5},
        "test": {"every": 1, "repeats": 2},
    }
)
TASKS, SUPPORT, QUERY = 3, 4, 5
NUMBERS = ("values", "meta_value", "gradient_norm", "parameter_norm", "failed_units", "rollouts", "env_steps")
ALGORITHMS = ["pg_maml", "e_maml"]


def sets(*overrides):
    return [part for override in overrides for part in ("--set", override)]


def equal(one, other):
    """Whether two runs have the same numbers."""
    pairs = [("train", name) for name in NUMBERS]
    pairs += [("test", "before"), ("test", "after"), ("parameters", "value"), ("normalization", "mean")]
    return all(same(one.history[group][name], other.history[group][name]) for group, name in pairs)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One run of each algorithm, and its file."""
    folder = tmp_path_factory.mktemp("pg_maml")
    runs = {}
    for name in ALGORITHMS:
        path = folder / f"{name}.h5"
        runs[name] = esmaml_mpi.train(SMALL, [f"meta.algorithm={name}"], output=path), path
    return runs


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_records_add_up(trained, name):
    results, _ = trained[name]
    rows = results.history["train"]
    assert rows["values"].shape == (3, TASKS * (SUPPORT + QUERY))
    assert np.all(rows["rollouts"] == TASKS * (SUPPORT + QUERY)) and np.all(rows["env_steps"] <= 8 * rows["rollouts"])
    queries = rows["values"].reshape(3, TASKS, SUPPORT + QUERY)[:, :, SUPPORT:]
    np.testing.assert_allclose(rows["meta_value"], queries.mean(axis=(1, 2)), rtol=1e-12)
    assert np.all(rows["gradient_norm"] > 0) and np.all(rows["failed_units"] == 0)
    assert results.history["parameters"]["value"].shape == (4, 2 * 3 + 2)  # a linear mean, and two log stds
    assert results.history["normalization"]["count"][-1] == rows["env_steps"].sum()


@pytest.mark.slow
def test_algorithms_and_estimators_differ_and_threads_do_not(trained):
    results, _ = trained["pg_maml"]
    assert equal(results, esmaml_mpi.train(SMALL, ["run.threads=2"]))
    assert not equal(results, trained["e_maml"][0])
    steps = [results.history["train"]["gradient_norm"][0]]
    for change in ("inner_estimator=dice", "inner_estimator=biased", "first_order=true", "max_divergence=0.02"):
        other = esmaml_mpi.train(SMALL, [f"meta.{change}", "meta.iterations=1", "test.every=0"])
        steps.append(other.history["train"]["gradient_norm"][0])
    assert len(set(steps)) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_resuming_is_going_on(trained, tmp_path, name):
    from esmaml_mpi.results.reader import read

    (tmp_path / "config.toml").write_text(SMALL.to_toml())
    output = tmp_path / "parts.h5"
    for iterations in (1, 3):
        chosen = sets(f"meta.algorithm={name}", f"meta.iterations={iterations}")
        assert main(["train", str(tmp_path / "config.toml"), *chosen, "--output", str(output), "--resume"]) == 0
    whole, parts = trained[name][0], read(output)
    assert all(same(whole.history["train"][column], parts.history["train"][column]) for column in NUMBERS)
    assert same(whole.checkpoint["theta"], parts.checkpoint["theta"])


def test_a_task_whose_reward_never_varies_has_no_larger_score_than_others():
    """On four corners three of them pay an adapted policy nothing, step after step."""
    algorithm = Experiment(load(SMALL, ["meta.algorithm=e_maml"]).resolved()).algorithm
    means, variances, good = np.array([-4.0, -1.0, -4.0, np.nan]), np.array([0.0, 0.9, 1e-20, np.nan]), np.arange(4) < 3
    unit = np.sqrt(0.3 + 2.0)  # of all rewards, three equal tasks: the mean variance and that of the means
    expected = np.array([-4 - -2.5, -1 - -4, -4 - -2.5, 0]) / unit
    np.testing.assert_allclose(algorithm._scores(means, variances, good), expected, rtol=1e-7)
    assert not algorithm._scores(np.full(4, -4.0), np.zeros(4), np.full(4, True)).any()
    raw = Experiment(load(SMALL, ["meta.algorithm=e_maml", "adaptation.normalize_advantages=false"]).resolved())
    np.testing.assert_allclose(raw.algorithm._scores(means, variances, good), expected * unit, rtol=1e-7)


@pytest.mark.slow
def test_the_exploration_of_a_real_task_does_not_drown_the_rest():
    """A sum over support steps, instead of a mean, is longer than the gradient by their number."""
    changes = [
        f"task.{key}" for key in ("name=four_corners", "horizon=100", "train_size=4", "batch_size=4", "test_size=4")
    ]
    config = load(SMALL, ["meta.algorithm=e_maml", *changes]).resolved()
    experiment = Experiment(config)
    theta = experiment.initial_theta()
    algorithm = experiment.algorithm
    asking = Asking(algorithm, theta, 2)
    adapted, likelihoods = answered(experiment, theta, asking.adapted())
    rewards = answered(experiment, theta, asking.sample(adapted)).rewards
    steps = [sampled.steps for sampled in asking.sampled]
    mathematics = MetaGradient(algorithm.operator.step_size, False, algorithm.exploration, steps, likelihoods)
    scores = algorithm._scores(rewards[:, 1], rewards[:, 2] / rewards[:, 0], np.full(4, True))
    found = [
        answered(experiment, theta, mathematics.gradient(asking.ask, each))[:, :-1] for each in (np.zeros(4), scores)
    ]
    moved = np.linalg.norm(found[0], axis=1)  # 0 of a task in which no episode comes to see its corner
    ratios = np.linalg.norm(found[1] - found[0], axis=1)[moved > 0] / moved[moved > 0]
    assert 0.01 < np.median(ratios) < 10


@pytest.mark.parametrize("late", range(1, 4))
def test_a_task_that_fails_in_a_later_stage_is_counted_and_the_iteration_drawn_again(late):
    algorithm, rng = Experiment(load(SMALL).resolved()).algorithm, np.random.default_rng(4)
    session = algorithm.iteration(np.zeros(8), Round(Phase.TRAIN, 0), None, UnitStatistics(0, 2))
    stage = next(session)
    rows = np.abs(rng.normal(size=(stage.units, stage.width)))
    rows[0] = np.nan
    stage = session.send(rows)
    for _ in range(3 + late):  # what else is asked of both steps' samples; then the gradient, and curvatures
        stage = session.send(np.ones((stage.units, stage.width)))
    assert stage.number % KINDS in (Asked.RISE, Asked.TURNED, Asked.OUTCOME)
    answers = np.ones((TASKS, stage.units // TASKS, stage.width))
    answers[[0, 2]] = np.nan
    with pytest.raises(StopIteration) as end:
        session.send(answers.reshape(stage.units, stage.width))
    step = end.value.value
    failed = np.isnan(step.values.reshape(TASKS, -1))
    assert step.gradient is None and failed[[0, 2]].all() and not failed[1].any()


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_failed_tasks_leave_the_estimate_and_are_counted(monkeypatch, name):
    monkeypatch.setitem(FAMILIES, "flaky", "helpers:Flaky")
    settings = {**SMALL.to_dict(), "task": {"name": "flaky", "horizon": 8, "options": {"failure_rate": 0.01}}}
    changes = ["meta.iterations=6", "test.every=0", f"meta.algorithm={name}", "adaptation.queries=2"]
    rows = esmaml_mpi.train(settings, [*changes, "meta.query_trajectories=2"]).history["train"]
    assert rows["failed_units"].sum() > 0 and np.all(rows["failed_units"] % 4 == 0)
    assert np.array_equal(np.isnan(rows["values"]).sum(axis=1), rows["failed_units"])
    assert np.isfinite(rows["gradient_norm"]).all() and np.isfinite(rows["meta_value"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_rewards_that_are_all_the_same_leave_theta_where_it_is(monkeypatch, name):
    monkeypatch.setitem(FAMILIES, "salaried", "helpers:Salaried")
    settings = {**SMALL.to_dict(), "task": {"name": "salaried", "horizon": 25}}
    history = esmaml_mpi.train(settings, ["meta.iterations=2", "test.every=1", f"meta.algorithm={name}"]).history
    assert np.all(history["train"]["gradient_norm"] == 0)
    value = history["parameters"]["value"]
    assert np.all(value == value[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_run_without_a_signal_says_so_and_names_settings_that_there_are(monkeypatch, capsys, name):
    monkeypatch.setitem(FAMILIES, "unpaid", "helpers:Unpaid")
    settings = {**SMALL.to_dict(), "task": {"name": "unpaid", "horizon": 4}}
    rows = esmaml_mpi.train(settings, ["test.every=0", f"meta.algorithm={name}"]).history["train"]
    assert np.array_equal(rows["gradient_norm"], np.zeros(3))
    told = capsys.readouterr().out
    assert told.count("no meta-gradient, as all evaluations returned the same (0)") == 1
    assert "a larger meta.initial_std." in told and "meta.sigma" not in told


@pytest.mark.slow
def test_a_step_that_the_trust_region_refuses_is_not_taken_for_rewards_that_do_not_differ(capsys):
    rows = esmaml_mpi.train(SMALL, ["test.every=0", "meta.damping=1e300", "meta.iterations=1"]).history["train"]
    assert np.array_equal(rows["gradient_norm"], [0.0])
    assert "no meta-gradient" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", ALGORITHMS)
def test_evaluating_repeats_and_sessions_are_refused(trained, tmp_path, capsys, name):
    _, path = trained[name]
    found = []
    for _ in range(2):
        assert main(["evaluate", str(path), "--repeats", "2", "--json", "-", *sets("adaptation.steps=2")]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1] and found[0]["rollouts_per_adaptation"] == 8
    assert np.isfinite(found[0]["after"]).all() and found[0]["after"] != found[0]["before"]
    assert main(["adapt", str(path), "--session", str(tmp_path / "session.h5")]) == 2
    error = capsys.readouterr().err
    assert "adaptation.operator = 'policy_gradient'" in error and error.count("\n") == 1


def test_one_task_a_batch_is_enough_without_the_exploration_term():
    load(SMALL, ["meta.algorithm=e_maml", "task.batch_size=1", "meta.exploration=0"]).resolved()


def test_choices_are_those_of_the_mathematics():
    (estimator,) = (each for each in PGMAMLSettings.__dataclass_fields__.values() if each.name == "inner_estimator")
    assert sorted(estimator.metadata["choices"]) == sorted(INNER_OBJECTIVES)
    assert EMAMLSettings.inner_estimator == "biased"


REFUSED = {
    ("adaptation.operator=es_gradient",): "adaptation.operator = 'es_gradient'",
    ("adaptation.share_rollouts=true",): "adaptation.share_rollouts = True",
    ("adaptation.directions=orthogonal",): "adaptation.directions = 'orthogonal'",
    ("adaptation.queries=1",): "adaptation.queries = 1",
    ("task.corruption.noise_std=1.0",): "task.corruption",
    ("meta.optimizer=adam",): "'meta.optimizer' does not exist",
    ("meta.step_size=0.1",): "'meta.step_size' does not exist",
    ("meta.exploration=1.0",): "'meta.exploration' does not exist",
    ("meta.algorithm=e_maml", "task.batch_size=1"): "task.batch_size = 1: meta.exploration = 1.0",
    ("meta.initial_std=1e-9",): "meta.initial_std = 1e-09: a value >= 1e-06",
    ("meta.initial_std=1e300",): "<= 1e6 is wanted",
    ("meta.algorithm=e_maml", "meta.inner_estimator=dice"): "'meta.inner_estimator' does not exist",
    ("meta.algorithm=zero_order",): "meta.algorithm = 'zero_order' trains one that does not",
    ("meta.algorithm=first_order",): "'es_gradient' is wanted",
    ("adaptation.operator=chain", "adaptation.links=[{operator='policy_gradient'}]"): "needs whole episodes",
}


@pytest.mark.parametrize("overrides", REFUSED)
def test_what_cannot_be_is_refused_by_name(overrides):
    with pytest.raises(ConfigError) as error:
        load(SMALL, overrides).resolved()
    assert REFUSED[overrides] in str(error.value)


@pytest.mark.slow
def test_without_jax_the_extra_is_named_and_files_can_still_be_read(trained, monkeypatch):
    from esmaml_mpi.baselines import requirement
    from esmaml_mpi.results.reader import read

    monkeypatch.setattr(requirement, "find_spec", lambda name: None)
    for name in ALGORITHMS:
        with pytest.raises(ConfigError, match=rf"'{name}': needs JAX.*pip install \"esmaml-mpi\[baselines\]\""):
            load(SMALL, [f"meta.algorithm={name}"]).resolved()
    assert read(trained["pg_maml"][1]).config.meta.algorithm == "pg_maml"


def test_an_environment_that_keeps_jax_from_the_cpu_is_refused_before_the_run(monkeypatch):
    for allowed in ("", "cpu", "cuda,cpu"):
        monkeypatch.setenv("JAX_PLATFORMS", allowed)
        SMALL.resolved()
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(ConfigError, match="JAX_PLATFORMS = 'cuda'; 'cuda,cpu' is wanted"):
        SMALL.resolved()


@pytest.mark.slow
def test_the_rendered_episode_is_the_one_that_is_scored(trained, capsys):
    from esmaml_mpi.rendering.pair import Pair
    from esmaml_mpi.trained.from_file import find_trained

    path = trained["pg_maml"][1]
    assert main(["evaluate", str(path), "--repeats", "1", "--tasks", "8", "--seed", "5", "--json", "-"]) == 0
    (after,) = json.loads(capsys.readouterr().out)["after"]
    last = list(Pair(find_trained(path, "last", [], 5), 8, 5).play())[-1]
    assert last.returns[1] == pytest.approx(after[0], rel=1e-12)

"""First-order training runs: their records, their splits, their statistics, their failures."""

import numpy as np
import pytest
from helpers import same

import esmaml_mpi
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks import FAMILIES

SMALL = load(
    {
        "run": {"seed": 1},
        "task": {"name": "navigation_2d", "horizon": 12, "train_size": 7, "batch_size": 3, "test_size": 2},
        "policy": {"hidden": [4]},
        "adaptation": {"queries": 4, "estimator": "antithetic"},
        "meta": {
            "algorithm": "first_order",
            "perturbations": 6,
            "iterations": 4,
            "use_hessian": True,
            "step_size": 1e-4,
        },
        "test": {"every": 1, "repeats": 2},
    }
)
INNER, OUTER, TASKS = 4 + 1, 6 + 1, 3
LOCAL = "meta.observation_statistics=local"
SPLITS = ["meta.split=perturbation", "meta.split=task"]
NUMBERS = ("values", "meta_value", "gradient_norm", "parameter_norm", "failed_units", "rollouts", "env_steps")


def train(*overrides):
    return esmaml_mpi.train(SMALL, overrides)


def equal(one, other):
    """Whether two runs have the same numbers."""
    rows = [(one.history["train"][name], other.history["train"][name]) for name in NUMBERS]
    rows += [(one.history[group][name], other.history[group][name]) for group, name in OTHERS]
    return all(same(a, b) for a, b in rows)


OTHERS = (
    ("test", "before"),
    ("test", "after"),
    ("parameters", "value"),
    ("normalization", "mean"),
    ("normalization", "std"),
)


def test_records_add_up():
    rows = train().history["train"]
    assert rows["values"].shape == (4, TASKS * (INNER + OUTER))
    assert np.all(rows["rollouts"] == TASKS * (INNER + OUTER)) and np.all(rows["env_steps"] <= 12 * rows["rollouts"])
    adapted = rows["values"][:, TASKS * INNER :].reshape(4, TASKS, OUTER)[:, :, -1]
    np.testing.assert_allclose(rows["meta_value"], adapted.mean(axis=1), rtol=1e-14)
    assert np.all(rows["gradient_norm"] > 0) and np.all(rows["failed_units"] == 0)


def test_a_unit_is_a_rollout_or_a_task_and_the_numbers_are_the_same():
    one = train(SPLITS[0])
    for other in (train(SPLITS[1]), train(SPLITS[0], "run.threads=3"), train(SPLITS[1], "run.threads=2")):
        assert equal(one, other)
    assert not equal(one, train("meta.use_hessian=false"))
    assert not equal(one, train("meta.hessian_rewards=raw"))


@pytest.mark.parametrize("normalize", ["none", "shared", "local"])
def test_the_first_iteration_sees_observations_as_they_are(normalize):
    plain = train("policy.normalize_observations=false").history["train"]["values"]
    found = train(f"meta.observation_statistics={normalize}").history["train"]["values"]
    assert same(plain[0], found[0]) and (normalize == "none") == same(plain[1], found[1])


def test_each_unit_has_statistics_of_its_own():
    """Which differ with what a unit is; all together they are the shared ones that tests use."""
    runs = {split: train(split, LOCAL) for split in SPLITS}
    for (split, results), units in zip(runs.items(), (TASKS * OUTER, TASKS), strict=True):
        checkpoint = results.checkpoint
        sums = checkpoint["unit_statistics"]["sums"]
        assert sums.shape == (units, 1 + 2 * 2), split
        assert sums[:, 0].sum() == checkpoint["statistics"]["count"] == results.history["train"]["env_steps"].sum()
        mean = sums[:, 1:3].sum(axis=0) / sums[:, 0].sum()
        np.testing.assert_allclose(mean, results.history["normalization"]["mean"][-1], rtol=1e-12)
    # In the split by rollouts, number i of both stages are one unit, and there are more of the second stage's.
    counts = runs[SPLITS[0]].checkpoint["unit_statistics"]["sums"][:, 0].reshape(TASKS, OUTER)
    assert counts[:, :INNER].min() > counts[:, INNER:].max() > 0
    assert not equal(*runs.values()) and not equal(runs[SPLITS[0]], train())
    for split, results in runs.items():
        assert equal(results, train(split, LOCAL, "run.threads=3"))


@pytest.mark.parametrize("split", SPLITS)
def test_a_unit_that_is_normalized_by_itself_is_what_its_own_observer_makes_of_it(split):
    """Values of the second iteration, computed rollout by rollout from the statistics after the first."""
    config = load(SMALL, [split, LOCAL, "meta.use_hessian=false"]).resolved()
    one, two = (
        train(split, LOCAL, "meta.iterations=1", "meta.use_hessian=false"),
        train(split, LOCAL, "meta.use_hessian=false"),
    )
    experiment, at = Experiment(config), Round(Phase.TRAIN, 1)
    algorithm, theta = experiment.algorithm, one.checkpoint["theta"]
    sums = one.checkpoint["unit_statistics"]["sums"]
    mean = sums[:, 1:3] / sums[:, :1]
    std = np.sqrt(sums[:, 3:] / sums[:, :1] - mean**2)
    tasks = algorithm.batches.draw(at)
    for slot, task in enumerate(tasks):
        for i in range(INNER):
            unit = slot if split == SPLITS[1] else slot * OUTER + i
            point = algorithm.probes[0].points(theta[:, None], np.array([i]), at, np.array([task]))
            units = Units(at, np.array([[task]]), algorithm.probes[0].keys(np.array([i])))
            observer = Observer(mean[unit], std[unit])
            found = experiment.evaluator.rollouts(point, units, observer, Purpose.BEFORE_EPISODE)
            value = two.history["train"]["values"][1][slot * INNER + i]
            np.testing.assert_allclose(found.after[0, 0], value, rtol=1e-9)


def test_observers_of_columns_are_the_observers_of_each_alone():
    """Also where episodes end early and the batch is narrowed, which navigation does not do."""
    config = load(
        {
            "task": {"name": "cartpole_sensor_bias", "horizon": 60},
            "policy": {"hidden": [3], "output_gain": 3.0},
            "meta": {"algorithm": "first_order"},
        }
    ).resolved()
    experiment, at = Experiment(config), Round(Phase.TRAIN, 0)
    rng, count = np.random.default_rng(0), 40
    points = rng.standard_normal((experiment.policy.size, count))
    units = Units(at, np.arange(count)[:, None] % 50, np.arange(count))
    mean, std = rng.standard_normal((4, count)), rng.uniform(0.5, 2.0, (4, count))
    evaluator = experiment.evaluator
    together = evaluator.rollouts(points, units, Observer(mean, std), Purpose.AFTER_EPISODE)
    assert len(set(together.tally.steps.tolist())) > 5
    for i in range(count):
        alone = evaluator.rollouts(
            points[:, [i]], units[i : i + 1], Observer(mean[:, i], std[:, i]), Purpose.AFTER_EPISODE
        )
        assert same(alone.after[0], together.after[i])
        assert same(alone.tally.observation_sums[:, 0], together.tally.observation_sums[:, i])


@pytest.mark.parametrize("more", [[], [LOCAL], [LOCAL, SPLITS[1]]])
def test_resuming_is_going_on(tmp_path, more):
    from esmaml_mpi.commands.main import main
    from esmaml_mpi.results.reader import read

    config = tmp_path / "config.toml"
    config.write_text(SMALL.to_toml())
    output = tmp_path / "parts.h5"
    sets = [part for each in more for part in ("--set", each)]
    for iterations in (1, 3, 4):
        arguments = [str(config), *sets, "--set", f"meta.iterations={iterations}", "--output", str(output), "--resume"]
        assert main(["train", *arguments]) == 0
    whole, parts = train(*more), read(output)
    assert all(same(whole.history["train"][name], parts.history["train"][name]) for name in NUMBERS)
    assert same(whole.checkpoint["theta"], parts.checkpoint["theta"])
    assert same(whole.checkpoint["unit_statistics"]["sums"], parts.checkpoint["unit_statistics"]["sums"])


@pytest.mark.parametrize("split", SPLITS)
def test_failed_rollouts_leave_the_estimate_and_are_counted(monkeypatch, split):
    monkeypatch.setitem(FAMILIES, "flaky", "helpers:Flaky")
    settings = {**SMALL.to_dict(), "task": {"name": "flaky", "horizon": 12, "options": {"failure_rate": 0.02}}}
    found = [esmaml_mpi.train(settings, [each, "meta.iterations=8", "test.every=0"]) for each in (split, SPLITS[0])]
    rows = found[0].history["train"]
    assert 0 < rows["failed_units"].sum() < 0.2 * rows["values"].size
    assert np.array_equal(np.isnan(rows["values"]).sum(axis=1), rows["failed_units"])
    assert np.isfinite(rows["gradient_norm"]).all() and equal(*found)


REFUSED = {
    "adaptation.operator=hill_climbing": "adaptation.operator = 'hill_climbing'",
    "adaptation.steps=2": "adaptation.steps = 2",
    "adaptation.estimator=forward_fd": "meta.hessian_estimator = 'antithetic' needs queries in mirrored pairs",
    "adaptation.directions=active_subspace": "adaptation.directions = 'active_subspace'",
    "adaptation.directions=hadamard": "'antithetic' is biased with these; 'gaussian' or 'orthogonal' or",
    "meta.adaptation_queries=5": "meta.adaptation_queries = 5",
    "meta.perturbations=0": "meta.perturbations = 0",
    "meta.top_directions=3": "'meta.top_directions' does not exist",
    "meta.hessian_estimator=exact": "meta.hessian_estimator = 'exact'",
}


@pytest.mark.parametrize("override", REFUSED)
def test_what_cannot_be_is_refused_by_name(override):
    with pytest.raises(ConfigError) as error:
        load(SMALL, [override]).resolved()
    assert REFUSED[override] in str(error.value)


def test_more_that_cannot_be():
    with pytest.raises(ConfigError, match="share_rollouts = true"):
        load(SMALL, ["adaptation.share_rollouts=true"]).resolved()
    with pytest.raises(ConfigError, match="'leave_one_out' is biased with these; 'gaussian' is wanted"):
        load(SMALL, ["adaptation.directions=orthogonal", "meta.hessian_estimator=leave_one_out"]).resolved()
    with pytest.raises(ConfigError, match="observation_statistics = 'local'"):
        load(SMALL, [LOCAL, "policy.normalize_observations=false"]).resolved()
    with pytest.raises(ConfigError, match="'leave_one_out' needs at least 2 directions"):
        few = ["adaptation.queries=2", "meta.hessian_estimator=leave_one_out"]
        load(SMALL, few).resolved()


def test_choosing_another_algorithm_drops_the_keys_of_the_first():
    tables = {"meta": {"algorithm": "first_order", "use_hessian": True, "sigma": 0.7}}
    config = load(tables, ["meta.algorithm=zero_order"])
    assert (config.meta.sigma, config.meta.perturbations, config.meta.current_evaluations) == (0.7, 150, 150)
    back = load({"meta": {"top_directions": 3, "sigma": 0.7}}, ["meta.algorithm=first_order"])
    assert (back.meta.sigma, back.meta.perturbations, back.meta.current_evaluations) == (0.7, 300, 1)

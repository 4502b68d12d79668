"""Schedules against their formulas, and what they let a resumed run change."""

import math

import numpy as np
import pytest
from helpers import assert_same_run

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.meta.schedules import Schedule, schedule

SMALL = load(
    {
        "run": {"seed": 3},
        "task": {"horizon": 12, "options": {"reward": "squared_distance"}},
        "policy": {"hidden": [4]},
        "adaptation": {"queries": 4},
        "meta": {"perturbations": 6, "current_evaluations": 1, "iterations": 8, "step_size": 0.05},
        "test": {"every": 1, "repeats": 2},
        "checkpoint": {"every": 2},
    }
)


@pytest.mark.parametrize("final", [0.1, 1.0, 3.0])
def test_factors_are_those_of_the_formulas(final):
    linear, cosine = Schedule("linear", final, 20), Schedule("cosine", final, 20)
    for i in range(20):
        assert linear.factor(i) == pytest.approx(1 + (final - 1) * i / 20, rel=1e-14)
        assert cosine.factor(i) == pytest.approx(final + (1 - final) * (1 + math.cos(math.pi * i / 20)) / 2, rel=1e-14)
    for each in (linear, cosine):
        assert each.factor(0) == 1.0
        for i in (20, 21, 1000):
            assert each.factor(i) == pytest.approx(final, rel=1e-15)
    assert Schedule().factor(7) == 1.0


def test_a_schedule_without_a_length_goes_over_all_iterations():
    meta = load({"meta": {"iterations": 40, "sigma_schedule": {"shape": "linear", "final": 0.5}}}).meta
    assert schedule(meta, "sigma_schedule") == Schedule("linear", 0.5, 40)
    assert schedule(meta, "step_size_schedule").factor(39) == 1.0
    assert schedule(load({"meta": {"algorithm": "pg_maml"}}).meta, "sigma_schedule").factor(5) == 1.0


@pytest.mark.parametrize(
    "key, table, message",
    [
        ("step_size_schedule", {"shape": "cosin"}, r"meta\.step_size_schedule\.shape = 'cosin'.*Did you mean 'cosine'"),
        ("sigma_schedule", {"final": 0.0}, r"meta\.sigma_schedule\.final = 0\.0: a value > 0"),
    ],
)
def test_what_is_no_schedule_is_refused_before_the_run(key, table, message):
    with pytest.raises(ConfigError, match=message):
        load({"meta": {key: table}}).resolved()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_step_is_the_factor_times_the_optimizers(optimizer):
    settings = [f"meta.optimizer={optimizer}", "meta.iterations=1"]
    halved = "meta.step_size_schedule={shape='linear',final=0.5,iterations=1}"
    first = esmaml_mpi.train(SMALL, [*settings]).history["parameters"]["value"]
    same = esmaml_mpi.train(SMALL, [*settings, halved]).history["parameters"]["value"]
    assert np.array_equal(first, same)  # the first step has the factor 1
    tail = [f"meta.optimizer={optimizer}", "meta.iterations=2"]
    plain = esmaml_mpi.train(SMALL, tail).history["parameters"]["value"]
    found = esmaml_mpi.train(SMALL, [*tail, halved]).history["parameters"]["value"]
    np.testing.assert_allclose(found[2] - found[1], (plain[2] - plain[1]) / 2, rtol=1e-9, atol=1e-15)
    assert np.any(plain[2] != plain[1])


CHANGES = [
    "meta.optimizer_options={momentum=0.9,clip=0.5}",
    "meta.step_size_schedule={shape='cosine',final=0.1,iterations=6}",
    "meta.sigma_schedule={shape='linear',final=0.5,iterations=12}",
    "meta.common_random_numbers=true",
]


@pytest.mark.parametrize("cuts", [[0], [1], [3], [2, 5]])
def test_a_run_with_all_of_it_extended_step_by_step_is_the_uninterrupted_one(tmp_path, cuts):
    whole = esmaml_mpi.train(SMALL, CHANGES, tmp_path / "whole.h5")
    for cut in [*cuts, 8]:
        found = esmaml_mpi.train(SMALL, [*CHANGES, f"meta.iterations={cut}"], tmp_path / "run.h5", resume=True)
    assert_same_run(found, whole)
    theta = whole.checkpoint["theta"]
    for i in range(len(CHANGES)):  # each of them is a part of it
        assert not np.array_equal(esmaml_mpi.train(SMALL, CHANGES[:i] + CHANGES[i + 1 :]).checkpoint["theta"], theta)


def test_a_schedule_over_all_iterations_does_not_let_the_run_grow(tmp_path):
    stretched = ["meta.step_size_schedule={shape='cosine'}"]
    esmaml_mpi.train(SMALL, [*stretched, "meta.iterations=2"], tmp_path / "run.h5")
    with pytest.raises(ConfigError, match=r"meta\.iterations = 8, and meta\.step_size_schedule goes over the 2"):
        esmaml_mpi.train(SMALL, [*stretched, "meta.iterations=8"], tmp_path / "run.h5", resume=True)
    same = esmaml_mpi.train(SMALL, [*stretched, "meta.iterations=2"], tmp_path / "run.h5", resume=True)
    assert same.checkpoint["iteration"] == 2

"""Active subspaces and learned kernels: what meta-gradients suggest is used in both loops, and kept."""

import itertools

import numpy as np
import pytest
from helpers import assert_same_run, same

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.config.experiment import Experiment, Request
from esmaml_mpi.config.loading import load
from esmaml_mpi.directions.active_subspace import in_subspace
from esmaml_mpi.directions.drawing import Source
from esmaml_mpi.directions.gradient_memory import GradientMemory
from esmaml_mpi.meta.stages import Stage
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.reproducibility.randomness import Purpose
from esmaml_mpi.results.reader import read
from esmaml_mpi.trained.from_file import find_trained, subspace_of

SMALL = {
    "task": {"name": "four_corners", "horizon": 20, "options": {"reward": "distance"}},
    "policy": {"hidden": [4]},
    "adaptation": {"queries": 6, "directions": "active_subspace"},
    "meta": {"iterations": 5, "perturbations": 12, "current_evaluations": 3, "memory_rows": 3, "sigma": 0.3},
    "test": {"every": 2, "repeats": 2},
}
LEARNED = [
    "adaptation.directions=dpp",
    "adaptation.direction_options.kernel=learned",
    "adaptation.direction_options.rho=3",
]
CASES = {
    "inner loop": [],
    "both loops": ["meta.directions=active_subspace", "meta.direction_options.probability=0.7"],
    "learned kernel": LEARNED,
}


@pytest.mark.parametrize("case", CASES)
def test_a_resumed_run_and_threads_give_the_same_numbers(case, tmp_path):
    whole = esmaml_mpi.train(SMALL, [*CASES[case], "run.threads=2"])
    output = tmp_path / "run.h5"
    esmaml_mpi.train(SMALL, [*CASES[case], "meta.iterations=3"], output)
    assert len(read(output).checkpoint["memory"]["matrix"]) == 3
    assert_same_run(esmaml_mpi.train(SMALL, CASES[case], output, resume=True), whole)
    isotropic = esmaml_mpi.train(SMALL, ["adaptation.directions=gaussian"])
    first, later = (run.history["train"]["values"] for run in (whole, isotropic))
    assert not same(first[-1], later[-1])
    assert len(isotropic.checkpoint["memory"]["matrix"]) == 0


@pytest.mark.slow
def test_the_memory_is_of_the_runs_own_meta_gradients():
    plain = ["adaptation.directions=gaussian", "meta.directions=dpp", "meta.direction_options.kernel=learned"]
    found = esmaml_mpi.train(SMALL, plain)
    thetas = [esmaml_mpi.train(SMALL, [*plain, f"meta.iterations={n}"]).checkpoint["theta"] for n in range(6)]
    memory = GradientMemory(len(thetas[0]), 3, 0.99)
    for before, after in itertools.pairwise(thetas):
        memory.add((after - before) / 0.01)
    expected, remembered = memory.subspace(0.995), GradientMemory.from_arrays(found.checkpoint["memory"], 3, 0.99)
    np.testing.assert_allclose(remembered.subspace(0.995).weights, expected.weights, rtol=1e-6)
    np.testing.assert_allclose(np.abs(remembered.subspace(0.995).basis), np.abs(expected.basis), atol=1e-5)
    assert remembered.subspace(0.995).probability == pytest.approx(expected.probability, rel=1e-6)


def test_queries_of_an_adaptation_lie_in_the_subspace_or_in_its_complement(tmp_path):
    config = load(SMALL).resolved()
    results = esmaml_mpi.train(config)
    subspace, experiment = subspace_of(results, config), Experiment(config)
    size = experiment.policy.size
    assert 0 < subspace.basis.shape[1] <= 3 and 0.0 < subspace.probability < 1.0
    request = Request(
        5, 0, Stage(units=15), False, results.checkpoint["theta"], Observer(np.zeros(2), np.ones(2)), subspace
    )
    drawn = np.empty((size, 400))
    source = Source(experiment.sampler, experiment.streams, subspace)
    source.fill(drawn, Purpose.ADAPTATION, request.round, unit=0, task=1)
    inside = subspace.basis @ (subspace.basis.T @ drawn)
    chosen = in_subspace(drawn, subspace.basis)
    np.testing.assert_allclose(inside[:, chosen], drawn[:, chosen], atol=1e-12)
    np.testing.assert_allclose(inside[:, ~chosen], 0.0, atol=1e-12)
    assert abs(chosen.mean() - subspace.probability) < 4 * np.sqrt(0.25 / 400)
    # And it is what the evaluation uses: with another subspace adapted policies differ.
    units = experiment.algorithm.units(request.round, range(2))
    points = experiment.algorithm.points(request.theta, request.round, range(2), subspace)
    with_it, _ = experiment.evaluator.adapt(points, units, request.observer, subspace)
    without, _ = experiment.evaluator.adapt(points, units, request.observer, None)
    assert not same(with_it, without)


def test_commands_adapt_with_the_subspace_of_the_run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output, options = tmp_path / "run.h5", ["--task", "1", "--seed", "3"]
    esmaml_mpi.train(SMALL, [], output)
    assert find_trained(output, "last", [], 0).subspace.weights.size > 0
    assert find_trained(output, "last", ["adaptation.directions=orthogonal"], 0).subspace is None
    assert main(["adapt", str(output), "--session", "whole.h5", *options]) == 0
    whole = np.load(tmp_path / "whole.adapted.npz")
    assert main(["adapt", str(output), "--session", "left.h5", *options, "--trials", "3"]) == 75
    output.rename(tmp_path / "elsewhere.h5")
    assert main(["adapt", "--session", "left.h5"]) == 0
    left = np.load(tmp_path / "left.adapted.npz")
    assert whole.files == left.files and all(np.array_equal(whole[name], left[name]) for name in whole.files)
    capsys.readouterr()

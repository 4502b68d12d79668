"""Algorithms that remember something of their iterations: in checkpoints, and of redrawn iterations."""

import h5py
import numpy as np
import pytest
from helpers import assert_same_run, reseal

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ResultsError

SMALL = load(
    {
        "run": {"seed": 3},
        "task": {"horizon": 12, "options": {"reward": "squared_distance"}},
        "policy": {"hidden": [4]},
        "adaptation": {"queries": 4},
        "meta": {"algorithm": "snes", "perturbations": 6, "iterations": 8},
        "test": {"every": 3, "repeats": 2},
        "checkpoint": {"every": 2},
    }
)
CASES = {
    "snes": [],
    "snes_adam": ["meta.optimizer=adam", "meta.step_size=0.05"],
    "reuse": ["meta.algorithm=zero_order_reuse", "meta.step_size=0.02"],
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cuts", [[0], [1], [3], [2, 5]])
def test_a_run_extended_step_by_step_is_the_uninterrupted_one(tmp_path, case, cuts):
    whole = esmaml_mpi.train(SMALL, CASES[case], tmp_path / "whole.h5")
    for cut in [*cuts, 8]:
        settings = [*CASES[case], f"meta.iterations={cut}"]
        found = esmaml_mpi.train(SMALL, settings, tmp_path / "run.h5", resume=True)
    assert_same_run(found, whole)
    for name, array in whole.checkpoint["kept"].items():
        assert np.array_equal(found.checkpoint["kept"][name], array, equal_nan=True)


def test_snes_learns_sigmas_and_reuse_counts_what_it_reuses():
    kept = esmaml_mpi.train(SMALL).checkpoint["kept"]["sigma"]
    assert kept.min() > 0 and len(set(kept.tolist())) == len(kept)
    reused = esmaml_mpi.train(SMALL, CASES["reuse"]).history["train"]["reused"]
    assert np.isnan(reused[0]) and np.all((reused[1:] >= 1) & (reused[1:] <= 6))


def test_a_file_without_what_its_algorithm_remembers_is_refused(tmp_path):
    path = tmp_path / "run.h5"
    esmaml_mpi.train(SMALL, ["meta.iterations=2"], path)
    with h5py.File(path, "r+") as file:
        del file["checkpoint/kept/sigma"]
    reseal(path)
    with pytest.raises(ResultsError, match="checkpoint/kept/sigma is missing"):
        esmaml_mpi.read_results(path)

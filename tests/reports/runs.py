"""Results files for the tests of what is said of them."""

import h5py
from helpers import reseal

import esmaml_mpi

SETTINGS = {
    "run": {"name": "reported"},
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 5, "perturbations": 4, "current_evaluations": 3},
    "test": {"every": 2, "repeats": 2},
}


def finished(path, overrides=()):
    """A finished run of a few iterations."""
    return esmaml_mpi.train(SETTINGS, overrides, output=path)


def make_incomplete(path, iterations=9):
    """Let the run of a file have been meant to last longer."""
    with h5py.File(path, "r+") as file:
        config = file["config"].attrs
        config["toml"] = config["toml"].replace("iterations = 5", f"iterations = {iterations}")
    reseal(path)

"""A worker carries what it computes with and nothing else: memory is paid 300 times."""

import sys
from pathlib import Path

import pytest
from mpirun import SMALL, run, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

HEAVY = {
    "h5py",
    "tomli_w",
    "matplotlib",
    "scipy",
    "gymnasium",
    "mujoco",
    "jax",
    "subprocess",
    "multiprocessing",
    "pickletools",
}

# What rank 0 alone needs, or those who mistype; a launcher starts hundreds that do not.
OTHERS = {
    *("bz2", "difflib", "lzma", "pathlib", "shutil", "tomllib"),
    *("esmaml_mpi.config.consistency", "esmaml_mpi.config.loading", "esmaml_mpi.commands.init"),
    *("esmaml_mpi.results", "esmaml_mpi.training.leading", "esmaml_mpi.training.loop", "esmaml_mpi.training.opening"),
}


def modules(settings, folder):
    """Names of the modules that a worker has loaded at the end of a run."""
    arguments = train_arguments(settings, folder / "lean.h5")[3:]
    command = [sys.executable, str(Path(__file__).with_name("modules_of_a_worker.py")), *arguments]
    done = run(command, 2, COVERAGE_PROCESS_CONFIG="")  # counting lines loads modules of its own
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("modules:"))
    return set(line.split()[1:])


def test_worker_modules(tmp_path):
    loaded = modules(SMALL, tmp_path)
    assert {"numpy", "mpi4py.MPI", "esmaml_mpi.tasks.four_corners"} <= loaded
    assert loaded & (HEAVY | OTHERS) == set()
    assert "esmaml_mpi.tasks.navigation_2d" not in loaded


def test_workers_that_never_decode_and_draw_by_determinants_need_no_scipy(tmp_path):
    settings = {
        "adaptation.operator": "hill_climbing",
        "adaptation.directions": "dpp",
        "adaptation.direction_options.rho": 2,
        "meta.directions": "hadamard",
        "meta.decoder": "lasso",  # of rank 0 alone
        "task.corruption.fraction": 0.2,
        "task.corruption.relative": "false",
        "meta.iterations": 1,
    }
    loaded = modules({**SMALL, **settings}, tmp_path)
    assert {"esmaml_mpi.directions.dpp", "esmaml_mpi.directions.hadamard"} <= loaded
    assert loaded & HEAVY == set()


def test_a_worker_with_bodies_has_mujoco_and_not_gymnasium(tmp_path):
    settings = {"task.name": "walker2d_forward_backward", "task.horizon": 5, "meta.iterations": 1}
    loaded = modules({**SMALL, **settings}, tmp_path)
    assert {"mujoco.batch", "esmaml_mpi.tasks.locomotion.walker2d"} <= loaded
    assert loaded & {"gymnasium", "h5py", "matplotlib", "esmaml_mpi.tasks.locomotion.ant"} == set()

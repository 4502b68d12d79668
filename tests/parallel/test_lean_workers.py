"""A worker carries what it computes with and nothing else: memory is paid 300 times."""

import sys
from pathlib import Path

from mpirun import SMALL, run, train_arguments

HEAVY = {
    "h5py",
    "tomli_w",
    "matplotlib",
    "scipy",
    "gymnasium",
    "mujoco",
    "subprocess",
    "multiprocessing",
    "pickletools",
}


def test_worker_modules(tmp_path):
    arguments = train_arguments(SMALL, tmp_path / "lean.h5")[3:]
    done = run([sys.executable, str(Path(__file__).with_name("modules_of_a_worker.py")), *arguments], 2)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("modules:"))
    loaded = set(line.split()[1:])
    assert {"numpy", "mpi4py.MPI", "esmaml_mpi.tasks.four_corners"} <= loaded
    assert loaded & HEAVY == set()
    assert "esmaml_mpi.tasks.navigation_2d" not in loaded

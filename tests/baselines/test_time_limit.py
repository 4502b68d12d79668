"""``run.unit_timeout`` is for environments: loading JAX and compiling do not count."""

import subprocess
import sys

import pytest

RUN = """
import esmaml_mpi

results = esmaml_mpi.train(
    {
        "run": {"unit_timeout": 0.1},
        "task": {"name": "navigation_2d", "horizon": 8, "train_size": 3, "batch_size": 3, "test_size": 1},
        "policy": {"hidden": [], "output": "identity"},
        "adaptation": {"operator": "evo_policy_gradient", "queries": 4},
        "meta": {"algorithm": "evo_maml", "iterations": 1},
        "test": {"every": 0, "repeats": 1},
    }
)
rows = results.history["train"]
assert rows["redraws"].tolist() == [0] and rows["failed_units"].tolist() == [0], rows
"""


@pytest.mark.slow
def test_the_first_iteration_of_a_process_is_as_fast_as_any():
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr

"""A rank with one thread and a rank with many compute the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A wide product and a long sum at once, which XLA does split over threads: shows that NPROC has an effect.
SPLIT = """
import jax, numpy as np
rng = np.random.default_rng(0)
with jax.enable_x64(True):
    total = jax.jit(lambda w, x: (w @ x).sum())(rng.normal(size=(64, 64)), rng.normal(size=(64, 8000)))
print(float(total).hex())
"""


def printed(threads, *command):
    environment = {**os.environ, "NPROC": str(threads), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_threads():
    script = str(Path(__file__).with_name("digests.py"))
    assert printed(1, script) == printed(8, script)


def test_the_number_of_threads_matters_where_nothing_is_done_about_it():
    assert printed(1, "-c", SPLIT) != printed(8, "-c", SPLIT)

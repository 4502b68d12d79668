"""The law of benchmarks/simgrid/, written down for any collectives, is the one of benchmarks/scaling_law.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "simgrid"))

import scaling_law
import simulate


@pytest.mark.parametrize("n", [2, 3, 8, 301, 1001])
@pytest.mark.parametrize("d", [162, 100_000])
def test_an_iteration_of_today_takes_as_long_by_both(n, d):
    link = simulate.BETWEEN_NODES
    sizes = scaling_law._sizes(n, d, simulate.OBSERVATIONS)
    expected = scaling_law._iteration(np.zeros((1, n)), 0.0, sizes, link, False, np.random.default_rng(0))
    assert simulate.law(simulate.iterations(n, d)["aggregator"], n, link) == pytest.approx(expected, rel=1e-12)

"""The law of benchmarks/simgrid/, written down for any collectives, is the one of benchmarks/scaling_law.py."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "simgrid"))

import scaling_law
import simulate


@pytest.mark.parametrize("n", [2, 3, 8, 301, 1001])
@pytest.mark.parametrize("d", [162, 100_000])
def test_a_round_takes_as_long_by_both(n, d):
    link = simulate.BETWEEN_NODES
    expected = scaling_law.idle_round(n, n - 1, d, simulate.OBSERVATIONS, link)
    assert simulate.law(simulate.iterations(n, d)["tree"][:2], n, link) == pytest.approx(expected, rel=1e-12)

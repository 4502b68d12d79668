"""What the tests of the scripts share: the scripts as modules, and a few tiny runs."""

from pathlib import Path

import pytest
from made_up import train

SCRIPTS = Path(__file__).parents[2] / "analysis"


@pytest.fixture
def scripts(monkeypatch):
    """Makes the scripts' modules importable, as they are for each other when one is run."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    monkeypatch.syspath_prepend(SCRIPTS)


@pytest.fixture
def notes():
    """A list, whose ``append`` is a note."""
    return []


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Four corners, K = 4 with seeds 1 to 3, K = 6 with seed 1: name -> results. Not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    results = {f"k4_{seed}": train(folder / f"k4_{seed}.h5", f"run.seed={seed}") for seed in (1, 2, 3)}
    results["k6_1"] = train(folder / "k6_1.h5", "run.seed=1", "adaptation.queries=6", "run.threads=2")
    return results

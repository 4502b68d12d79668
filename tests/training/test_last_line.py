"""The line that a run ends with."""

from types import SimpleNamespace

import numpy as np
import pytest

from esmaml_mpi.config.loading import load
from esmaml_mpi.training import launch


@pytest.mark.parametrize(
    "after, said",
    [
        ([[-1.0, np.nan], [np.nan, -3.0]], "-2.00 after adaptation (2 of 4 adaptations failed and are left out)"),
        ([[-1.0, -1.0], [-3.0, -3.0]], "-2.00 after adaptation;"),
    ],
)
def test_it_says_how_many_adaptations_the_mean_leaves_out(after, said, capsys):
    nothing = np.full((2, 2), np.nan)
    rows = {"before": nothing, "after": np.array(after), "success_before": nothing, "success_after": nothing}
    launch._report("run.h5", SimpleNamespace(latest=lambda group, name: rows[name]), load({}).resolved())
    assert said in capsys.readouterr().out

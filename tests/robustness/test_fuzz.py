"""Random inputs at a small size; ``fuzz.py`` is the same at any size."""

import pytest
from fuzz import KINDS, campaign

INPUTS = 150


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_random_inputs_are_accepted_or_refused_in_words(kind, tmp_path, capsys):
    outcomes = campaign(kind, INPUTS, tmp_path)
    assert outcomes["refused"] > 0 and outcomes["lost"] == 0
    assert kind in ("--set strings", "results files") or outcomes["run"] > 0

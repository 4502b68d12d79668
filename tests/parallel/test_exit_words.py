"""How ranks that abort agree on one exit code."""

from functools import reduce

import pytest

from esmaml_mpi.parallel.mpi_world import _as_word, _code_in


@pytest.mark.parametrize(
    ("codes", "agreed"),
    [([0, 0, 0], 0), ([0, 2, 0], 2), ([75, 0, 75], 75), ([3, 3, 3], 3), ([255, 0], 255), ([1, 2, 0], 1), ([3, 75], 1)],
)
def test_the_code_of_those_that_abort_or_1_where_they_differ(codes, agreed):
    assert _code_in(reduce(int.__or__, map(_as_word, codes))) == agreed


@pytest.mark.parametrize("code", range(1, 256))
def test_every_code_survives_beside_ranks_without_one(code):
    assert _code_in(_as_word(code) | _as_word(0)) == code

"""A subspace of meta-gradients is rank 0's; the others get it with each request."""

import pytest
from files import differences
from mpirun import SMALL, run, train_arguments

pytestmark = pytest.mark.slow  # ranks of their own

SETTINGS = {
    **SMALL,
    "adaptation.directions": "active_subspace",
    "meta.directions": "active_subspace",
    "meta.memory_rows": 2,
}


@pytest.mark.parametrize("ranks", [2, 5])
def test_any_number_of_ranks(tmp_path, ranks):
    alone, together = tmp_path / "alone.h5", tmp_path / "together.h5"
    for output, count in ((alone, None), (together, ranks)):
        done = run(train_arguments(SETTINGS, output), count)
        assert done.returncode == 0, done.stdout + done.stderr
    assert differences(alone, together) == []

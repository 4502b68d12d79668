"""Memory over many iterations: workers must not grow, rank 0 by little more than the rows it keeps."""

import pytest
from long_run import TINY, measure
from parallel.mpirun import environment, launcher

ITERATIONS = 600
SLACK = 1.0  # MiB: what an allocator keeps back


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [None, 3])
def test_memory_is_flat(ranks, tmp_path, monkeypatch):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    command = [] if ranks is None else [*launcher(), "-n", str(ranks)]
    (first, before, size), (last, after, larger) = measure(command, ITERATIONS, tmp_path)
    assert len(before) == len(after) == (ranks or 1) and last > 5 * first and TINY["test.every"] == 100
    for rank, (a, b) in enumerate(zip(before, after, strict=True)):
        assert (b - a) / 1024 < SLACK + (1.0 if rank == 0 else 0.0)
    assert (larger - size) / (last - first) < 300  # bytes an iteration: 8 values and 14 other numbers, and tests

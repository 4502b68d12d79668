"""Which ranks may poll while they wait."""

import os

import pytest

from esmaml_mpi.parallel.cores import MOST_CORES, affinity, has_own_core, quota


def mask(*cores):
    return sum(1 << core for core in cores).to_bytes(MOST_CORES // 8, "little")


BOUND = [mask(core) for core in range(4)]


@pytest.mark.parametrize(
    ("masks", "own"),
    [
        ([mask(0)], [True]),
        (BOUND, [True] * 4),
        ([mask(0, 1, 2, 3)] * 4, [True] * 4),  # not bound, as many as cores
        ([mask(0, 1, 2, 3)] * 5, [False] * 5),
        ([mask(0), mask(0), mask(1)], [False, False, True]),  # two bound to one core
        ([mask(0, 1), mask(1, 2), mask(2)], [True] * 3),
        ([mask(0, 1), mask(1), mask(0), mask(5)], [False, False, False, True]),  # they share through the first
        ([mask(2000), mask(2000, 2001)], [True, True]),
    ],
)
def test_as_many_cores_as_ranks_that_may_run_on_them(masks, own):
    assert [has_own_core(masks, rank, float("inf")) for rank in range(len(masks))] == own


def test_a_quota_of_fewer_cores_than_ranks_has_them_nap():
    assert has_own_core(BOUND, 0, 4.0) and has_own_core([mask(0)], 0, 1.0)
    assert not has_own_core([mask(0, 1, 2, 3)] * 4, 0, 3.5)


def test_the_affinity_of_this_process():
    assert int.from_bytes(affinity(), "little").bit_count() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000\n", float("inf")), ("150000 100000\n", 1.5), ("", float("inf"))]
)
def test_the_quota_of_a_container(tmp_path, text, cores):
    (tmp_path / "cpu.max").write_text(text)
    assert quota(tmp_path) == cores
    assert quota(tmp_path / "nothing") == float("inf")

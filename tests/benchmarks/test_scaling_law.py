"""The scaling law against closed forms and against messages followed one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scaling_law import Link, Serial, Task, idle_round, sizes, slowest, terms

from esmaml_mpi.parallel.packet import HEADER
from esmaml_mpi.parallel.rounds import COUNTERS, SHARED_FROM, STREAM

EVEN = Task(a=2e-3, u=3e-3, deviations=np.array([-1e-12, 1e-12]), d=10, observations=2)
SERIAL = Serial(o=1e-5, p=1e-5, q=1e-7, r=1e-9)
FREE = Link(0.0, 0.0)


def test_one_rank_works_and_updates():
    found = terms(1, 300, EVEN, SERIAL, FREE)
    assert found["total"] == pytest.approx(2e-3 + 300 * 3e-3 + 2e-5 + 150 * (1e-7 + 10e-9))


@pytest.mark.parametrize(
    ("n", "share", "directions"), [(2, 150, 75), (4, 75, 38), (7, 43, 22), (301, 1, 1), (1000, 1, 1)]
)
def test_free_messages_leave_the_longest_share(n, share, directions):
    found = terms(n, 300, EVEN, SERIAL, FREE)
    assert found["total"] == pytest.approx(EVEN.work(share) + SERIAL.seconds(directions, 10))
    assert found["collectives"] == pytest.approx(0.0, abs=1e-9)


def test_terms_add_up():
    task = Task(1e-3, 1e-3, np.random.default_rng(0).normal(0, 1e-4, 50), 100, 2)
    found = terms(33, 300, task, SERIAL, Link(2e-6, 1e-10))
    assert sum(found[term] for term in found if term != "total") == pytest.approx(found["total"])
    assert min(found.values()) > 0


@pytest.mark.parametrize("n", [2, 3, 8, 13, 37])
def test_messages_follow_their_trees(n):
    link = Link(latency=1e-6, per_byte=1e-9, per_call=1e-5)
    down = link.hop(8 * (HEADER + 10 + 4))
    hop = link.hop(8 * (COUNTERS + 2 * 2 * 9 + 300))

    def summed(rank, below):  # when a rank has the sum of the ranks rank, ..., rank + below - 1
        time = rank.bit_count() * down  # the broadcast reaches it along the bits of its number
        for distance in (1 << k for k in range((below - 1).bit_length())):
            if rank + distance < n:
                time = max(time, summed(rank + distance, distance) + hop)
        return time

    assert idle_round(n, 300, 10, 2, link) == pytest.approx(summed(0, 1 << (n - 1).bit_length()) + 2e-5)


@pytest.mark.parametrize(("d", "share"), [(SHARED_FROM // 20 - STREAM - 1, 20), (SHARED_FROM // 20 - STREAM, 1)])
def test_many_numbers_are_summed_by_all_ranks(d, share):
    link = Link(latency=0.0, per_byte=1e-9)
    found = terms(41, 40, replace(EVEN, d=d), SERIAL, link)
    assert found["serial"] == pytest.approx(SERIAL.seconds(share, d))
    packet, sums = sizes(40, d, 2)
    once = 5 * (packet + sums)  # of 41 ranks none is further from rank 0 than 5 messages
    more = 5 * (8 * HEADER + 8 * d + 8 * 20) if share == 1 else 0
    assert found["collectives"] == pytest.approx((once + more) * 1e-9, rel=0.15)


def test_slowest_of_normal_times():
    task = Task(0.0, 1.0, np.random.default_rng(0).normal(0, 0.1, 2000), 10, 2)
    assert slowest(task, 2) == pytest.approx(1 + task.deviations.std() / math.sqrt(math.pi), abs=0.03)
    assert 1.25 < slowest(task, 301) < slowest(task, 3001) < 1.45

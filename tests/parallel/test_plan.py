"""The static plan."""

import pytest

from esmaml_mpi.parallel.plan import cut, deal, idle, works


@pytest.mark.parametrize("units", [0, 1, 2, 7, 300])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 300, 301, 400])
@pytest.mark.parametrize("reverse", [False, True])
def test_every_unit_once_in_order_and_evenly(units, size, reverse):
    blocks = deal(units, size, reverse)
    assert len(blocks) == size
    assert [i for block in blocks for i in block] == list(range(units))
    workers = [len(block) for block in blocks[1:]] or [units]
    assert max(workers) - min(workers) <= 1
    assert max(map(len, blocks)) == -(-units // size)  # nobody has more than an even share, rounded up


def test_aggregator_works_only_where_it_helps():
    assert len(deal(300, 301)[0]) == 0  # the paper's: 300 workers, one evaluation each
    assert [len(block) for block in deal(300, 2)] == [150, 150]
    assert len(deal(300, 1)[0]) == 300


def test_second_deal_starts_from_the_other_end():
    train, test = deal(6, 5), deal(2, 5, reverse=True)
    assert max(len(a) + len(b) for a, b in zip(train, test, strict=True)) == 2


def test_idle_workers():
    assert idle(301, 300) == 0
    assert idle(400, 300) == 99
    assert idle(2, 300) == 0


@pytest.mark.parametrize("units", [0, 1, 7, 300])
@pytest.mark.parametrize("size", [1, 3, 301])
def test_blocks_to_draw_cover_every_unit_once(units, size):
    blocks = cut(units, size)
    assert [i for block in blocks for i in block] == list(range(units))
    assert all(len(block) <= max(1, units // (4 * size)) for block in blocks)


def test_who_draws():
    assert not works(300, 301, 0) and works(300, 301, 1)
    assert works(300, 2, 0) and works(300, 1, 0)

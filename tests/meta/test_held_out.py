"""The test protocol: every test task, several repeats."""

import numpy as np

from esmaml_mpi.meta.held_out import HeldOut
from esmaml_mpi.reproducibility.randomness import Phase, Round

AT = Round(Phase.TEST, 30)


def test_units_cover_every_task_and_repeat_once():
    held_out = HeldOut((7, 3, 9), 4)
    units = held_out.units(AT, range(held_out.evaluations))
    assert units.round == AT and units.tasks.shape == (12, 1)
    pairs = list(zip(units.tasks[:, 0].tolist(), units.streams.tolist(), strict=True))
    assert pairs == [(task, repeat) for task in (7, 3, 9) for repeat in range(4)]


def test_a_block_of_units_is_that_part_of_the_whole():
    held_out = HeldOut((7, 3, 9), 4)
    whole, block = held_out.units(AT, range(12)), held_out.units(AT, range(5, 9))
    assert np.array_equal(block.tasks, whole.tasks[5:9]) and np.array_equal(block.streams, whole.streams[5:9])
    empty = held_out.units(AT, range(5, 5))
    assert len(empty) == 0 and empty.tasks.shape == (0, 1)


def test_every_unit_starts_from_the_same_meta_policy():
    points = HeldOut((0, 1), 2).points(np.array([1.0, 2.0, 3.0]), range(1, 4))
    assert np.array_equal(points, [[1.0] * 3, [2.0] * 3, [3.0] * 3])

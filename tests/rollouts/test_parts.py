"""Units that are parts of one evaluation draw what the whole would have drawn."""

import numpy as np
import pytest
from helpers import rollout_setup, same, unscaled

from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Part, Units
from esmaml_mpi.tasks.workspace import Workspace

QUERIES, TASKS = 6, [2, 0]


@pytest.mark.parametrize(("size", "episodes"), [(1, 1), (2, 3), (6, 2)])
def test_any_cut_gives_the_rewards_of_the_whole(size, episodes):
    setup = rollout_setup("cartpole_sensor_bias")
    setup = type(setup)(setup.policy, setup.family, setup.task_table, setup.streams, episodes)
    rng, at, observer = np.random.default_rng(1), Round(Phase.TRAIN, 3), unscaled(4)
    points = rng.normal(size=(setup.policy.size, 2, 1, QUERIES))
    whole = Trials(
        setup, Units(at, np.array(TASKS)[:, None], np.zeros(2, int)), observer, Workspace(), Purpose.QUERY_EPISODE
    )
    for step in range(2):
        expected = whole.evaluate(points)
        count = QUERIES // size
        slots, starts = np.repeat([0, 1], count), np.tile(np.arange(0, QUERIES, size), 2)
        tasks = np.array(TASKS)[slots, None]
        parts = Units(at, tasks, np.zeros(2 * count, int), Part(step, QUERIES, starts))
        cut = points[:, :, 0].reshape(setup.policy.size, 2 * count, 1, size)
        for chosen in (slice(0, 2 * count), slice(1, 2 * count)):
            units = parts[chosen]
            found = Trials(setup, units, observer.of(slice(None)), Workspace(), Purpose.QUERY_EPISODE).evaluate(
                np.ascontiguousarray(cut[:, chosen])
            )
            assert same(found[:, 0].ravel(), expected.reshape(-1, size)[chosen].ravel())
    assert len(np.unique(expected)) > 3  # episodes that differ in their noise

"""Keyed streams: the same key gives the same numbers anywhere, and no two keys share any."""

import itertools
import threading

import numpy as np
import pytest

from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams

AT = Round(Phase.TRAIN, 5, 1)
# One key and its neighbours: each differs from the first in one index only.
KEYS = {
    "base": (9, Purpose.ADAPTATION, AT, dict(unit=2, task=3, step=1)),
    "seed": (10, Purpose.ADAPTATION, AT, dict(unit=2, task=3, step=1)),
    "purpose": (9, Purpose.PERTURBATION, AT, dict(unit=2, task=3, step=1)),
    "phase": (9, Purpose.ADAPTATION, Round(Phase.TEST, 5, 1), dict(unit=2, task=3, step=1)),
    "evaluate phase": (9, Purpose.ADAPTATION, Round(Phase.EVALUATE, 5, 1), dict(unit=2, task=3, step=1)),
    "iteration": (9, Purpose.ADAPTATION, Round(Phase.TRAIN, 6, 1), dict(unit=2, task=3, step=1)),
    "attempt": (9, Purpose.ADAPTATION, Round(Phase.TRAIN, 5, 2), dict(unit=2, task=3, step=1)),
    "unit": (9, Purpose.ADAPTATION, AT, dict(unit=3, task=3, step=1)),
    "task": (9, Purpose.ADAPTATION, AT, dict(unit=2, task=4, step=1)),
    "step": (9, Purpose.ADAPTATION, AT, dict(unit=2, task=3, step=2)),
    "all zero": (0, Purpose.INITIAL_POLICY, Round(Phase.TRAIN, 0), dict()),
    "unit is not task": (9, Purpose.ADAPTATION, AT, dict(unit=3, task=2, step=1)),
    "unit is not iteration": (9, Purpose.ADAPTATION, Round(Phase.TRAIN, 2, 1), dict(unit=5, task=3, step=1)),
    "largest": (
        2**63 - 1,
        Purpose.AFTER_EPISODE,
        Round(Phase.EVALUATE, 2**40, 10),
        dict(unit=2**40, task=2**31, step=2**31),
    ),
}


def draws(key, count=1000):
    seed, purpose, at, indices = KEYS[key]
    return Streams(seed).generator(purpose, at, **indices).integers(2**63, size=count)


def test_a_key_gives_the_same_numbers_again():
    for key in KEYS:
        assert np.array_equal(draws(key), draws(key))


def test_different_keys_never_give_the_same_numbers():
    # 14,000 draws from 2**63 values: even one chance collision has probability 1e-11.
    everything = np.concatenate([draws(key) for key in KEYS])
    assert len(np.unique(everything)) == len(everything)


def test_streams_are_uncorrelated():
    normals = {
        key: Streams(KEYS[key][0]).generator(*KEYS[key][1:3], **KEYS[key][3]).standard_normal(4000) for key in KEYS
    }
    for a, b in itertools.combinations(normals.values(), 2):
        assert abs(np.mean(a * b)) * np.sqrt(4000) < 4.5  # 91 pairs: the largest of them is about 2.6


@pytest.mark.parametrize("shape", [(1,), (3,), (7, 5), (2, 3, 4), (1000,)])
def test_filled_normals_are_the_generators(shape):
    for seed, purpose, at, indices in KEYS.values():
        streams, out = Streams(seed), np.empty(shape)
        streams.fill_normals(out, purpose, at, **indices)
        assert np.array_equal(out, streams.generator(purpose, at, **indices).standard_normal(shape))


def test_many_streams_filled_in_one_go_are_each_what_they_are_alone():
    streams, units, tasks = Streams(2**63 - 1), np.array([5, 5, 2**40]), np.array([0, 3, 2**31])
    found, alone = np.empty((7, 3, 4)), np.empty((7, 4))
    streams.fill_normals_of_each(found, Purpose.ADAPTATION, AT, units=units, tasks=tasks, step=9)
    for k in range(3):
        streams.fill_normals(alone, Purpose.ADAPTATION, AT, unit=units[k], task=tasks[k], step=9)
        assert np.array_equal(found[:, k], alone)


def test_filling_leaves_nothing_behind_for_the_next_key():
    streams, first, second = Streams(9), np.empty(3), np.empty(501)
    for key, other in itertools.permutations(["base", "unit", "iteration", "purpose"], 2):
        streams.fill_normals(first, *KEYS[other][1:3], **KEYS[other][3])
        streams.fill_normals(second, *KEYS[key][1:3], **KEYS[key][3])
        assert np.array_equal(second, streams.generator(*KEYS[key][1:3], **KEYS[key][3]).standard_normal(501))


def test_threads_do_not_disturb_each_other():
    streams, results = Streams(4), {}

    def work(unit):
        out = np.empty(200)
        for task in range(200):
            streams.fill_normals(out, Purpose.ADAPTATION, AT, unit=unit, task=task)
            results[unit, task] = out.copy()

    threads = [threading.Thread(target=work, args=(unit,)) for unit in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (unit, task), found in results.items():
        expected = streams.generator(Purpose.ADAPTATION, AT, unit=unit, task=task).standard_normal(200)
        assert np.array_equal(found, expected)


def test_numpys_global_generator_is_neither_used_nor_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (the legacy state is what must stay as it is)
    out = np.empty(10)
    Streams(1).fill_normals(out, Purpose.PERTURBATION, AT)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_purposes_and_phases_keep_their_numbers():
    # Results files can be reproduced only as long as these stay.
    assert [int(purpose) for purpose in Purpose] == list(range(1, len(Purpose) + 1))
    assert [purpose.name for purpose in Purpose][:15] == [
        "INITIAL_POLICY",
        "TASK",
        "TASK_BATCH",
        "PERTURBATION",
        "ADAPTATION",
        "QUERY_EPISODE",
        "BEFORE_EPISODE",
        "AFTER_EPISODE",
        "SHARED_ADAPTATION",
        "SHARED_EPISODE",
        "CORRUPTION",
        "QUERY_ACTIONS",
        "BEFORE_ACTIONS",
        "AFTER_ACTIONS",
        "SHARED_ACTIONS",
    ]
    assert [(phase.name, int(phase)) for phase in Phase][:3] == [("TRAIN", 0), ("TEST", 1), ("EVALUATE", 2)]


def test_known_numbers():
    # Pins the whole scheme: a change here changes every published run.
    found = Streams(1).generator(Purpose.PERTURBATION, Round(Phase.TRAIN, 2, 0), unit=3).integers(2**32, size=3)
    philox = np.random.Philox(key=[1, 4], counter=[0, 0, 3, 2])
    assert np.array_equal(found, np.random.Generator(philox).integers(2**32, size=3))
    at, place = Round(Phase.EVALUATE, 7, 3), dict(unit=5, task=6, step=9)
    found = Streams(1).generator(Purpose.AFTER_ACTIONS, at, **place).integers(2**32, size=3)
    philox = np.random.Philox(key=[1, 14 | 2 << 8 | 3 << 16], counter=[0, 6 << 32 | 9, 5, 7])
    assert np.array_equal(found, np.random.Generator(philox).integers(2**32, size=3))

"""The table [tune]: its defaults, and what is refused with its key, its value and what is allowed."""

import pytest

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tuning.table import tune_of


def test_fresh_seeds_are_none_of_the_trials():
    tune = tune_of({"rollouts": 1000, "seeds": [4, 1], "confirm": {"seeds": 3}})
    assert tune.seeds == [4, 1] and tune.fresh == [5, 6, 7]
    assert tune_of({"rollouts": 1000, "seeds": 3}).seeds == [0, 1, 2]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, ["tune.rollouts is missing", "tune.rollouts = 100_000"]),
        ({"rollouts": 0}, ["tune.rollouts = 0", ">= 1"]),
        ({"rollouts": 1e5}, ["tune.rollouts", "an integer is wanted"]),
        ({"rollouts": 9, "trial": 3}, ["tune.trial", "Did you mean 'tune.trials'?", "tune.space"]),
        ({"rollouts": 9, "pruner": "mean"}, ["tune.pruner = 'mean'", "median, none"]),
        ({"rollouts": 9, "sampler": "cmaes"}, ["tune.sampler = 'cmaes'", "random, tpe"]),
        ({"rollouts": 9, "seeds": [1, 1]}, ["tune.seeds = [1, 1]", "different seeds"]),
        ({"rollouts": 9, "tests": 2, "last_tests": 3}, ["tune.last_tests = 3", "tune.tests = 2"]),
        ({"rollouts": 9, "confirm": {"seed": 2}}, ["tune.confirm.seed", "tune.confirm.seeds"]),
        ({"rollouts": 9, "confirm": 2}, ["tune.confirm = 2", "a table is wanted"]),
        ({"rollouts": 9, "space": []}, ["tune.space = []", "a table is wanted"]),
        (3, ["tune = 3", "a table is wanted"]),
    ],
)
def test_what_is_wrong_is_named(table, words):
    with pytest.raises(ConfigError) as refused:
        tune_of(table)
    assert all(word in str(refused.value) for word in words), refused.value

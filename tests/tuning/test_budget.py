"""Equal rollouts: iterations and tests from a budget, against trying all of them."""

import pytest

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tuning.budget import counts, rollouts_of_iteration, within


@pytest.mark.parametrize(("rollouts", "tests", "each"), [(1000, 3, 7), (999, 10, 99), (100, 1, 100), (12345, 4, 1)])
def test_no_more_iterations_fit(rollouts, tests, each):
    found = within(Config(), rollouts, tests, each)
    possible = [n for n in range(tests, rollouts + 1, tests) if n * each <= rollouts]
    assert found.meta.iterations == max(possible) and found.test.every * tests == found.meta.iterations


def test_a_budget_below_an_iteration_for_each_test_is_refused():
    with pytest.raises(ConfigError, match=r"tune.rollouts = 99: .*10 rollouts.* at least 100 .*tune.tests = 10"):
        within(Config(), 99, 10, 10)


@pytest.mark.parametrize("operator", ["es_gradient", "hill_climbing"])
def test_an_iteration_is_counted_as_the_paper_counts(operator):
    tables = {
        "task": {"horizon": 5},
        "policy": {"hidden": []},
        "adaptation": {"operator": operator, "queries": 6},
        "meta": {"perturbations": 4, "current_evaluations": 3},
    }
    config = Config.from_dict(tables).resolved()
    adapted = config.rollouts_per_adaptation + 1  # and one with the adapted policy
    assert rollouts_of_iteration(config) == (4 + 3) * config.task.batch_size * adapted


def test_what_is_no_count_does_not_make_another_count():
    first, second, third = (
        Config.from_dict({"run": {"seed": seed}, "meta": {"sigma": sigma}, "adaptation": {"queries": queries}})
        for seed, sigma, queries in ((0, 0.1, 5), (1, 0.2, 5), (0, 0.1, 6))
    )
    assert counts(first) == counts(second) != counts(third)

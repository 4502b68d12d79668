"""A chain is its operators run by hand one after the other."""

import numpy as np
import pytest
from driving import Normals, chain, hills, run
from helpers import operator

from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.population import PopulationSearch
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError

D, U, T = 4, 3, 2
RNG = np.random.default_rng(51)
THETA, CENTRES = RNG.normal(size=(D, U, T)), RNG.normal(size=(D, U, T))
LINKS = [
    operator(steps=2, step_size=0.05),
    HillClimbing(queries=5, sigma=0.3),
    PopulationSearch(population=4, survivors=2, generations=3, sigma=0.2),
]


def test_it_is_one_operator_after_the_other():
    subject, normals, path = chain(LINKS), Normals((D, U, T)), []
    adapted, batches, _ = run(subject.adapt(THETA, normals, path.append), hills(CENTRES))
    assert subject.queries_at_once == max(batch.shape[-1] for batch in batches) == 7
    assert subject.rollouts == sum(batch.shape[-1] for batch in batches) == 2 * 7 + 6 + 12

    again, expected, between = Normals((D, U, T)), THETA, []
    for link in LINKS:
        expected, _, _ = run(link.adapt(expected, again), hills(CENTRES))
        between.append(expected)
    assert np.array_equal(adapted, expected)
    for reached in between:
        assert any(np.array_equal(reached, step) for step in path)


def test_only_a_chain_of_searches_bears_failures():
    assert chain(LINKS[1:]).bears_failures and not chain(LINKS).bears_failures


def test_a_chain_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="of no operators"):
        chain([])


def test_a_configuration_describes_it():
    """And what is wrong in a link is named by its place."""
    links = [{"operator": "es_gradient", "queries": 4}, {"operator": "hill_climbing", "queries": 3, "sigma": 0.2}]
    config = load({"adaptation": {"operator": "chain", "links": links}}).resolved()
    assert config.adaptation.rollouts == 5 + 4
    assert load(type(config).from_toml(config.to_toml())).adaptation == config.adaptation
    for wrong, message in [
        ({"operator": "hill_climb"}, r"links\[0\].operator 'hill_climb' does not exist. Did you mean 'hill_climbing'"),
        ({"operator": "hill_climbing", "step_size": 1.0}, r"key 'adaptation.links\[0\].step_size' does not exist"),
        ({"operator": "es_gradient", "directions": "dpp"}, "adaptation.directions is for the whole chain"),
        ({}, "does not exist"),
    ]:
        with pytest.raises(ConfigError, match=message):
            load({"adaptation": {"operator": "chain", "links": [wrong]}})


def test_it_answers_for_each_step_as_the_link_does_whose_step_it_is():
    links = [HillClimbing(queries=3, scheme="batch", evaluations=2), operator(steps=3)]
    expected = [link.pivot_last(step) for link in links for step in range(link.yields)]
    assert set(expected) == {True, False}
    assert [chain(links).pivot_last(step) for step in range(len(expected) + 1)] == [*expected, False]


class Ending:
    """An operator that has enough after one of its three steps."""

    yields, queries_at_once, rollouts, directions_at_once = 3, 1, 3, 1

    def __init__(self, last):
        self.last = last

    def enough(self, step, reward):
        return step == self.last


def test_it_has_enough_where_the_link_has_whose_step_it_is():
    subject = chain(LINKS[:2])
    object.__setattr__(subject, "operators", (Ending(2), Ending(1)))  # it is frozen
    assert [subject.enough(step, 0.0) for step in range(7)] == [False, False, True, False, True, False, False]

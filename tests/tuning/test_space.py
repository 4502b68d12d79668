"""The space: ranges, choices and named points from their table, what they set, and what is refused."""

import pytest

from esmaml_mpi.config.config import Config
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.tuning.space import Choice, Range, space_of

OWN = Config.from_dict({"meta": {"sigma": 0.1}, "adaptation": {"queries": 7}})


class Scripted:
    """A trial that remembers what it is asked, and answers with the upper end or the last choice."""

    def __init__(self):
        self.asked = []

    def suggest_float(self, name, low, high, *, log=False):
        self.asked.append((name, low, high, log))
        return high

    suggest_int = suggest_float

    def suggest_categorical(self, name, choices):
        self.asked.append((name, choices))
        return choices[-1]


def test_a_key_in_quotes_is_the_same_as_tables():
    limits = {"low": 0.02, "high": 0.5, "log": True}
    expected = [Range("meta.sigma", 0.02, 0.5, True, False)]
    assert space_of({"meta.sigma": limits}, OWN) == space_of({"meta": {"sigma": limits}}, OWN) == expected


def test_integers_are_those_of_settings_that_are():
    queries, sigma = space_of({"adaptation.queries": {"low": 2, "high": 9}, "meta.sigma": {"low": 1, "high": 2}}, OWN)
    assert queries.integer and not sigma.integer and type(sigma.low) is float
    trial = Scripted()
    assert queries.suggested(trial) == 9 and sigma.suggested(trial) == 2.0
    assert trial.asked == [("adaptation.queries", 2, 9, False), ("meta.sigma", 1.0, 2.0, False)]


def test_choices_and_named_points_set_what_they_say():
    tables = {"policy": {"hidden": [[], [4]]}, "operator": {"mc": {}, "hc": {"adaptation": {"operator": "x"}}}}
    hidden, operator = space_of(tables, OWN)
    assert isinstance(hidden, Choice) and hidden.key == "policy.hidden"
    assert hidden.overlay(hidden.suggested(Scripted())) == {"policy": {"hidden": [4]}}
    assert operator.overlay("mc") == {} and operator.overlay("hc") == {"adaptation": {"operator": "x"}}


def test_own_values_are_found_where_the_space_has_them():
    def same(overlay):
        return overlay in ({}, {"adaptation": {"queries": 7}})

    axes = space_of({"meta.sigma": {"low": 0.05, "high": 0.2}, "adaptation.queries": [5, 7], "other": {"a": {}}}, OWN)
    assert [axis.own(OWN, same) for axis in axes] == [0.1, "7", "a"]
    (narrow,) = space_of({"meta.sigma": {"low": 0.2, "high": 0.3}}, OWN)
    assert narrow.own(OWN, same) is None


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({}, ["[tune.space] is empty"]),
        ({"meta.sigma": 0.1}, ["tune.space.meta.sigma = 0.1", "a list of choices or a range"]),
        ({"meta.sigma": []}, ["tune.space.meta.sigma = []", "at least one"]),
        ({"meta.sigma": [0.1, 0.1]}, ["tune.space.meta.sigma", "0.1 stands there twice"]),
        ({"meta.sigma": {"low": 0.1}}, ["tune.space.meta.sigma.high = None", "a finite number"]),
        ({"meta.sigma": {"low": 0.1, "high": True}}, ["tune.space.meta.sigma.high = True", "a finite number"]),
        ({"meta.sigma": {"low": 2.0, "high": 1.0}}, ["tune.space.meta.sigma", "low = 2.0", "low < high"]),
        ({"meta.sigma": {"low": 0.0, "high": 1.0, "log": True}}, ["tune.space.meta.sigma.low = 0.0", "> 0"]),
        ({"meta.sigma": {"low": 0.1, "high": 1.0, "log": 1}}, ["tune.space.meta.sigma.log = 1", "true or false"]),
        ({"meta.sigma": {"low": 0.1, "high": 1.0, "step": 1}}, ["meta.sigma.step", "Allowed: low, high, log"]),
        ({"adaptation.queries": {"low": 1.5, "high": 3}}, ["adaptation.queries", "is an integer"]),
        ({"meta.iterations": [1]}, ["tune.space.meta.iterations", "tune.rollouts"]),
        ({"run.seed": [1, 2]}, ["tune.space.run.seed", "[run]", "cannot be searched"]),
        ({"test.repeats": [1, 2]}, ["tune.space.test.repeats", "[test]"]),
        ({"operator": {"hc": {"meta": {"iterations": 3}}}}, ["tune.space.operator.hc.meta.iterations"]),
        ({"operator": {"a b": {}}}, ["tune.space.operator.'a b'", "letters"]),
        ({"operator": {}}, ["[tune.space.operator]", "named point"]),
        ({"meta.sigma": [1.0], "meta": {"sigma": [2.0]}}, ["tune.space.meta.sigma stands there twice"]),
    ],
)
def test_what_is_wrong_is_named(tables, words):
    with pytest.raises(ConfigError) as refused:
        space_of(tables, OWN)
    assert all(word in str(refused.value) for word in words), refused.value

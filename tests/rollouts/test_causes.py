"""Why evaluations failed: grouped by what they have in common, bounded, and carried from rank to rank."""

import numpy as np
import pytest

from esmaml_mpi.rollouts.causes import MOST_KINDS, OTHERS, Cause, Causes, from_text, to_text
from esmaml_mpi.rollouts.faults import Fault, faults_of
from esmaml_mpi.rollouts.units import Tally


def test_causes_are_counted_by_kind_and_their_number_is_bounded():
    causes = Causes(Cause(f"kind {i}", f"number {i}", "report") for i in range(MOST_KINDS + 5))
    for _ in range(9):
        causes.add(Cause("kind 3", "another one"))
    assert str(causes) == "10 x number 3, 5 x other causes, 1 x number 0, ..."
    found = causes.take()
    assert len(found) == MOST_KINDS + 1 and not causes
    assert (found[-1].kind, found[-1].count, found[3].words, found[3].count) == (OTHERS, 5, "number 3", 10)
    assert str(Causes([Cause("one", "alone", count=7)])) == "alone"


def test_what_a_rank_tells_arrives():
    causes, remarks = [Cause("k", "observation[1] = \u221e", "", 3)], [["about", "a remark"]]
    assert from_text(to_text(causes, remarks) + b"   ") == (causes, remarks)
    assert to_text([], []) == b"" and from_text(b"") == ([], [])


def test_exceptions_of_one_place_are_one_kind():
    kinds = set()
    for number in range(3):
        try:
            raise ValueError(f"state {number}")
        except ValueError as error:
            cause = Cause.raised(error, f"gymnasium raised ValueError: state {number}", "trace")
            kinds.add(cause.kind)
            assert cause.words.startswith(f"gymnasium raised ValueError: state {number} (test_causes.py, line ")
    assert len(kinds) == 1


@pytest.mark.parametrize(
    "observed, rewarded, first",
    [
        (np.inf, 0.0, Fault(1, np.inf, 2)),
        (0.0, np.nan, Fault(-1, np.nan, 3)),
        (-1e20, np.inf, Fault(1, -1e20, 2)),
    ],
)
def test_the_first_bad_number_of_an_episode_is_found(observed, rewarded, first):
    """By eye: it was put there. Reward 3 is that of the step after observation 2."""
    seen, rewards = np.ones((5, 3, 2)), np.ones((5, 2))
    seen[2, 1, 1], rewards[2, 1] = observed, rewarded
    sums = np.concatenate([seen.sum(axis=0), (seen * seen).sum(axis=0)])
    faults = faults_of(rewards.sum(axis=0)[None], sums, seen, rewards, np.array([5, 5]))
    assert list(faults) == [1] and (faults[1].what, faults[1].step) == (first.what, first.step)
    assert np.array_equal(faults[1].value, first.value, equal_nan=True)
    assert faults_of(rewards[:2].sum(axis=0)[None], np.zeros_like(sums), seen[:2], rewards[:2], np.array([2, 2])) == {}


def test_causes_stay_with_their_units_when_tallies_are_joined():
    parts = [Tally.empty(2, 1), Tally.empty(3, 1)]
    parts[0].causes[1], parts[1].causes[2] = Cause("a", "a"), Cause("b", "b")
    assert {unit: cause.kind for unit, cause in Tally.joined(parts).causes.items()} == {1: "a", 4: "b"}
    parts[1] += Tally.empty(3, 1)
    assert list(parts[1].causes) == [2]

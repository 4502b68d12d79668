"""Ask and tell: the operators' own adaptation, one trial at a time, and the same again after any interruption."""

import math

import numpy as np
import pytest
from driving import chain, run
from helpers import operator, rollout_setup, unscaled

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.population import PopulationSearch
from esmaml_mpi.adaptation.racing import Racing
from esmaml_mpi.errors import UsageError
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks.workspace import Workspace

THETA = np.random.default_rng(61).normal(size=4)


def climber(**settings):
    return HillClimbing(sigma=0.5, **settings)


OPERATORS = {
    "gradient": operator(steps=2, step_size=0.05),
    "sequential": climber(queries=5),
    "average": climber(queries=3, scheme="average", evaluations=3),
    "batch": climber(queries=3, scheme="batch", evaluations=4),
    "pivot anew": climber(queries=3, scheme="batch", evaluations=3, reevaluate_pivot=True),
    "racing": Racing(rounds=3, candidates=2, reevaluations=3, sigma=0.5),
    "population": PopulationSearch(population=4, survivors=2, generations=3, sigma=0.5),
    "chain": chain([operator(step_size=0.05), climber(queries=4)]),
}
EACH = pytest.mark.parametrize("subject", OPERATORS.values(), ids=OPERATORS)


def reward(x, trial=0):
    """With noise that depends on the trial."""
    return float(-np.sum((x - 1.0) ** 2) + math.sin(37.0 * trial))


def finish(session):
    """Every ask until it is done."""
    asked = []
    while not session.done:
        asked.append(session.ask())
        session.tell(reward(asked[-1], session.trials))
    return asked


@EACH
def test_it_is_the_batched_operator_on_the_same_rewards_and_directions(subject):
    session = Adaptation(subject, THETA, seed=5)
    asked = finish(session)
    assert session.trials == len(asked) == session.total == subject.rollouts

    streams, draws, answers = Streams(5), iter(range(100)), iter(session.rewards)

    def normals(count):
        generator = streams.generator(Purpose.ADAPTATION, Round(Phase.EVALUATE, 0), step=next(draws))
        return generator.standard_normal((4, count))[:, None, None]

    def rewards(points):
        return np.array([next(answers) for _ in range(points.shape[-1])])[None, None]

    adapted, batches, _ = run(subject.adapt(THETA[:, None, None], normals), rewards)
    assert np.array_equal(np.array(asked).T, np.concatenate(batches, axis=-1)[:, 0, 0])
    assert np.array_equal(session.best, adapted[:, 0, 0])


@EACH
def test_it_adapts_as_the_first_repeat_of_an_evaluation(subject):
    setup = rollout_setup("four_corners", horizon=15, seed=5)
    theta = setup.policy.initial(np.random.default_rng(1))
    at, observer = Round(Phase.EVALUATE, 3), unscaled(setup.policy.observation_size)
    units = Units(at, np.array([[2]]), np.array([0]))
    expected, _ = Evaluator(setup, subject).adapt(theta[:, None], units, observer)

    session = Adaptation(subject, theta, seed=5, at=at, task=2)
    trials = Trials(setup, units, observer, Workspace(), Purpose.QUERY_EPISODE)
    while not session.done:
        session.tell(trials.evaluate(session.ask()[:, None, None, None])[0, 0, 0])
    assert np.array_equal(session.best, expected[:, 0, 0])


@EACH
def test_it_goes_on_bit_for_bit_after_an_interruption_at_any_trial(subject):
    whole = Adaptation(subject, THETA, seed=5)
    asked = finish(whole)
    for told in range(len(asked)):
        again = Adaptation(subject, THETA, 5, whole.rewards[:told])
        assert again.trials == told and np.array_equal(again.ask(), asked[told])
        assert all(np.array_equal(x, y) for x, y in zip(finish(again), asked[told:], strict=True))
        assert np.array_equal(again.best, whole.best)
    over = Adaptation(subject, THETA, 5, whole.rewards)
    assert over.done and np.array_equal(over.best, whole.best)


def test_asking_changes_nothing_and_another_seed_asks_for_something_else():
    first, second = Adaptation(OPERATORS["sequential"], THETA, 5), Adaptation(OPERATORS["sequential"], THETA, 6)
    for session in (first, second):
        session.tell(reward(session.ask()))
    question = first.ask()
    question += 1.0
    assert np.array_equal(first.ask(), question - 1.0) and not np.array_equal(first.ask(), second.ask())


@pytest.mark.parametrize("name", ["sequential", "average", "batch", "population"])
def test_the_best_is_what_the_operator_would_return_now(name):
    """It would, if all trials from here on failed."""
    session = Adaptation(OPERATORS[name], THETA, 5)
    changes = 0
    while not session.done:
        full = session.trials - session.trials % OPERATORS[name].queries_at_once  # those of whole batches
        if full:
            stopped = Adaptation(OPERATORS[name], THETA, 5, session.rewards[:full])
            while not stopped.done:
                stopped.tell(math.nan)
            assert np.array_equal(session.best, stopped.best)
        else:
            assert np.array_equal(session.best, THETA)
        before = session.best
        session.tell(reward(session.ask()))
        changes += not np.array_equal(before, session.best)
    assert changes


class Silent:
    """A gradient that does not tell where it stands."""

    rollouts = OPERATORS["gradient"].rollouts

    def adapt(self, theta, normals):
        return OPERATORS["gradient"].adapt(theta, normals)


def test_without_a_centre_the_best_is_the_best_tried():
    session = Adaptation(Silent(), THETA, 5)
    assert np.array_equal(session.best, THETA)
    asked = []
    for value in (3.0, 7.0, 5.0):
        asked.append(session.ask())
        session.tell(value)
    assert np.array_equal(session.best, asked[1])


def test_failed_trials_are_borne_by_searches():
    told = (math.nan, -math.inf)
    session = Adaptation(OPERATORS["sequential"], THETA, 5)
    session.tell(1.0)
    for value in told:
        session.tell(value)
    assert session.rewards == [1.0, -math.inf, -math.inf] and np.array_equal(session.best, THETA)
    winner = session.ask()
    session.tell(2.0)
    assert np.array_equal(session.best, winner)


@pytest.mark.parametrize("value", [math.nan, -math.inf])
@pytest.mark.parametrize("name", ["gradient", "chain"])
def test_a_gradient_needs_every_reward(name, value):
    session = Adaptation(OPERATORS[name], THETA, 5)
    question = session.ask()
    with pytest.raises(UsageError, match="needs the reward of every trial"):
        session.tell(value)
    assert session.trials == 0 and np.array_equal(session.ask(), question)


@pytest.mark.parametrize("value", ["3", None, True, 1j, math.inf, 1e39, 10**400, np.zeros(1), [1.0]])
def test_what_is_no_reward_is_refused_and_changes_nothing(value):
    session = Adaptation(OPERATORS["sequential"], THETA, 5)
    with pytest.raises(UsageError, match=r"^reward"):
        session.tell(value)
    assert session.trials == 0 and session.rewards == []


def test_nothing_is_asked_or_told_after_the_end():
    session = Adaptation(OPERATORS["sequential"], THETA, 5)
    finish(session)
    with pytest.raises(UsageError, match="done after 6 trials"):
        session.ask()
    with pytest.raises(UsageError, match="done after 6 trials"):
        session.tell(1.0)


@pytest.mark.parametrize("theta", [np.zeros((2, 2)), [1.0, math.nan]])
def test_theta_must_be_one_finite_vector(theta):
    with pytest.raises(UsageError, match="theta"):
        Adaptation(OPERATORS["sequential"], theta)

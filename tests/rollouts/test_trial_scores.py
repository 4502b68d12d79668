"""Scores from trials: what rollouts would have said where episodes repeat themselves, and means where they do not."""

import dataclasses

import numpy as np
import pytest
from helpers import Flaky, rollout_setup, same, unscaled

from esmaml_mpi.adaptation.chain import Chain
from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.latent_search import LatentSearch
from esmaml_mpi.adaptation.meta_parameters import meta_size
from esmaml_mpi.adaptation.population import PopulationSearch
from esmaml_mpi.adaptation.racing import Racing
from esmaml_mpi.adaptation.trial_programme import TrialProgramme
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.memory import needs
from esmaml_mpi.errors import ConfigError, UserError
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.trial_scores import scored_by_trials
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks import make_family

AT = Round(Phase.TRAIN, 3)
TASKS = np.array([[0, 1, 2, 3], [3, 1, 0, 2], [2, 0, 1, 3]])
OPERATORS = {
    "programme": TrialProgramme(queries=3, spread=2.0),
    "programme that stops": TrialProgramme(queries=3, stop_at=-70.0),
    "hill climbing": HillClimbing(queries=4, sigma=0.5),
    "batch": HillClimbing(queries=3, sigma=0.5, scheme="batch", evaluations=3),
    "average, pivot again": HillClimbing(queries=3, sigma=0.5, scheme="average", evaluations=2, reevaluate_pivot=True),
    "latent": LatentSearch(latent=2, queries=4),
    "latents together": LatentSearch(latent=2, queries=4, scheme="gaussian", reevaluations=2),
    "racing": Racing(rounds=2, candidates=3, reevaluations=2, sigma=0.5),
    "population": PopulationSearch(population=3, survivors=2, generations=2, sigma=0.5),
    "chain": Chain(links=[{"operator": "es_gradient", "queries": 3}, {"operator": "hill_climbing", "queries": 2}]),
}


def evaluated(setup, operator, at=AT, tasks=TASKS):
    points = np.random.default_rng(3).normal(0.0, 0.4, (meta_size(operator, setup.policy), len(tasks)))
    units = Units(at, tasks, np.arange(5, 5 + len(tasks)))
    return Evaluator(setup, operator).evaluate(points, units, unscaled(2), before=False)


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("name", OPERATORS)
def test_where_episodes_repeat_themselves_scores_are_those_of_rollouts(name, share):
    setup = dataclasses.replace(rollout_setup(hidden=(4,)), share_rollouts=share)
    fresh = evaluated(setup, OPERATORS[name])
    known = evaluated(dataclasses.replace(setup, scored_by_trials=True), OPERATORS[name])
    np.testing.assert_allclose(known.after, fresh.after, rtol=1e-14)  # a mean of equal rewards may round
    assert np.all(fresh.tally.rollouts - known.tally.rollouts == TASKS.shape[1])
    assert len(np.unique(known.after)) > 3


def test_tests_have_rollouts():
    setup = dataclasses.replace(rollout_setup(hidden=(4,)), scored_by_trials=True)
    operator, at = OPERATORS["programme"], Round(Phase.TEST, 3)
    with_rollouts = evaluated(dataclasses.replace(setup, scored_by_trials=False), operator, at)
    found = evaluated(setup, operator, at)
    assert same(found.after, with_rollouts.after)
    assert same(found.tally.rollouts, with_rollouts.tally.rollouts)


def test_a_policy_tried_more_than_once_has_the_mean_of_its_rewards():
    """By hand: of theta, tried three times, and another, which loses."""

    def adaptation(theta, trials):
        yield np.stack([theta, theta + 1.0, theta], axis=-1)
        yield theta[..., None]
        return theta.copy()

    session = scored_by_trials(adaptation, np.ones((2, 1, 2)), None)
    next(session)
    session.send(np.array([[[1.0, 50.0, 2.0], [4.0, 60.0, 5.0]]]))
    with pytest.raises(StopIteration) as done:
        session.send(np.array([[[6.0], [9.0]]]))
    assert done.value.value.tolist() == [[[3.0, 6.0]]]


def test_scores_do_not_depend_on_the_units_beside():
    setup = dataclasses.replace(
        rollout_setup(hidden=(4,)), scored_by_trials=True, corruption=RewardCorruption(noise_std=30.0)
    )
    operator = Racing(rounds=2, candidates=3, reevaluations=3, sigma=0.5)
    points = np.random.default_rng(3).normal(0.0, 0.4, (setup.policy.size, 3))
    units, evaluator = Units(AT, TASKS, np.arange(3)), Evaluator(setup, operator)
    whole = evaluator.evaluate(points, units, unscaled(2))
    parts = [evaluator.evaluate(points[:, i : i + 1], units[i : i + 1], unscaled(2)) for i in range(3)]
    assert same(np.concatenate([part.after for part in parts]), whole.after)
    assert same(Evaluator(setup, operator, 3).evaluate(points, units, unscaled(2)).after, whole.after)


def test_a_policy_whose_trial_failed_is_no_score():
    setup = rollout_setup(hidden=(4,))
    setup = dataclasses.replace(setup, family=Flaky(horizon=20, failure_rate=1.0), scored_by_trials=True)
    found = evaluated(setup, OPERATORS["programme"])
    assert np.all(np.isnan(found.after)) and not found.tally.good.any()


def test_an_operator_that_breaks_its_promise_is_told():
    def adaptation(theta, trials):
        yield theta[..., None]
        return theta + 1.0

    session = scored_by_trials(adaptation, np.zeros((2, 1, 1)), None)
    next(session)
    with pytest.raises(UserError, match="returns_tried"):
        session.send(np.zeros((1, 1, 1)))


def test_trials_that_are_kept_need_memory():
    adaptation = {"operator": "hill_climbing", "queries": 7}
    for scored_by, wanted in (("rollouts", []), ("trials", [8 * 6 * 4 * 8])):  # bytes, parameters, tasks, trials
        tables = {"policy": {"hidden": []}, "adaptation": {**adaptation, "scored_by": scored_by}}
        config = Config.parsed(tables).resolved()
        found = needs(config, make_family(config.task.name, config.task.horizon, config.task.options))
        assert [need.bytes for need in found if need.what == "the trials of one evaluation"] == wanted


@pytest.mark.parametrize(
    "adaptation",
    [
        {"operator": "es_gradient"},
        {"operator": "none"},
        {"operator": "chain", "links": [{"operator": "hill_climbing"}, {"operator": "es_gradient"}]},
    ],
)
def test_operators_that_return_what_they_have_not_tried_are_refused(adaptation):
    tables = {"task": {"name": "four_corners"}, "adaptation": {**adaptation, "scored_by": "trials"}}
    with pytest.raises(ConfigError, match=r"adaptation\.scored_by = .*trials"):
        Config.parsed(tables).resolved()

"""Estimates of policies from rewards that vary."""

import math
from functools import partial

import numpy as np
import pytest

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.confidence import confidence
from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.latent_search import LatentSearch
from esmaml_mpi.adaptation.population import PopulationSearch
from esmaml_mpi.adaptation.racing import Racing
from esmaml_mpi.adaptation.trial_programme import TrialProgramme


def test_repeats_give_the_noise_of_all():
    known = confidence("aaabbc", [1.0, 2.0, 3.0, 10.0, 12.0, 5.0], "a")
    assert known.noise == pytest.approx(math.sqrt((2.0 + 2.0) / (2 + 1)))  # squares within a and b over their freedom
    assert (known.best.mean, known.best.count) == (11.0, 2) and known.best.spread == pytest.approx(math.sqrt(2))
    assert (known.pivot.mean, known.pivot.count, known.pivot.spread) == (2.0, 3, 1.0)
    assert known.pivot.error == pytest.approx(known.noise / math.sqrt(3))


def test_what_is_not_known_is_nan():
    known = confidence("ab", [1.0, 2.0], "z")
    assert math.isnan(known.noise) and math.isnan(known.best.error) and known.best.mean == 2.0
    assert known.pivot.count == 0 and str(known.pivot) == "never tried" and "not known" in str(known)
    assert str(confidence([], [], "z").best) == "never tried"


def test_a_policy_that_has_failed_is_never_the_best_of_those_that_have_not():
    known = confidence("aab", [100.0, -math.inf, 1.0], "a")
    assert known.best.mean == 1.0 and known.pivot.mean == -math.inf and str(known.pivot) == "failed (2 trials)"


def test_a_session_knows_its_pivot_and_the_luck_of_its_best():
    noise, batch = np.random.default_rng(2), HillClimbing(queries=4, sigma=0.1, scheme="batch", evaluations=5)
    session = Adaptation(batch, np.zeros(3), seed=1)
    for _ in range(5):
        session.tell(float(noise.normal()))
    start = session.confidence
    assert start.best == start.pivot and start.pivot.count == 5
    assert start.pivot.mean == pytest.approx(np.mean(session.rewards))
    assert start.noise == start.pivot.spread == pytest.approx(np.std(session.rewards, ddof=1))
    session.tell(50.0)  # a candidate's lucky trial: nothing has moved yet
    assert session.confidence.best.mean == 50.0 and session.confidence.pivot == start.pivot
    for _ in range(4):
        session.tell(0.0)
    assert session.confidence.pivot.mean == 50.0 and "expect less" in str(session.confidence)


def test_operators_that_take_noisy_rewards_at_their_word_say_what_to_do():
    advice = {
        "sequential": HillClimbing().noise_advice,
        "batch": HillClimbing(queries=9, scheme="batch", evaluations=5).noise_advice,
        "population": PopulationSearch().noise_advice,
    }
    assert all("reevaluate_pivot=true" in text for text in advice.values())
    assert "scheme=batch" in advice["sequential"] and "scheme=batch" not in advice["batch"]
    assert "90 trials" in advice["batch"]
    learned = (TrialProgramme, partial(LatentSearch, scheme="gaussian"))
    assert all("adaptation.reevaluations=R" in operator().noise_advice for operator in learned)
    calm = [HillClimbing(reevaluate_pivot=True), Racing(), *(operator(reevaluations=1) for operator in learned)]
    assert [operator.noise_advice for operator in calm] == ["", "", "", ""]

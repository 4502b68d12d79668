"""Lengths that the outer loop learns: an operator with factors is the operator that has these lengths."""

import dataclasses
import math

import numpy as np
import pytest
from driving import Again, Normals, chain, hills, run
from helpers import operator

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.es_gradient import ESGradient
from esmaml_mpi.adaptation.hill_climbing import HillClimbing
from esmaml_mpi.adaptation.meta_parameters import layout, meta_size, own_initial
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.policies.mlp import Policy

POLICY = Policy(2, 2)
D, U, T = POLICY.size, 3, 2
RNG = np.random.default_rng(5)
THETA, CENTRES = RNG.normal(size=(D, U, T)), RNG.normal(size=(D, U, T))
ALL = ["sigma", "step_size", "scales"]
GRADIENTS = [
    dict(steps=2),
    dict(steps=2, estimator="antithetic", reward_normalization="none", step_size=0.02),
    dict(estimator="vanilla", reward_normalization="ars"),
    dict(queries=8, decoder="ridge"),
    dict(queries=8, decoder="lp", decoder_options={"intercept": True}),
]
CLIMBS = [
    HillClimbing(queries=6, sigma=0.4),
    HillClimbing(queries=4, sigma=0.4, scheme="batch", evaluations=3, reevaluate_pivot=True),
]


def with_(subject, *learned):
    return dataclasses.replace(subject, learned=list(learned))


def factors(size):
    """Meta-parameters (size, U, T), other ones for each unit and task."""
    return 0.5 * RNG.normal(size=(size, U, T))


@pytest.mark.parametrize("settings", GRADIENTS)
def test_a_gradient_step_has_the_sigma_and_step_that_are_learned(settings):
    plain, own, normals = operator(**settings), factors(2), Normals(THETA.shape)
    subject = with_(plain, "step_size", "sigma")  # the order in which they are named is none of their rows
    adapted, _, _ = run(subject.adapt(THETA, normals, own=own, policy=POLICY), hills(CENTRES))
    for u, t in np.ndindex(U, T):
        sigma, step = np.exp(own[:, u, t]) * (plain.sigma, plain.step_size)
        at = np.s_[:, u : u + 1, t : t + 1]
        alone = dataclasses.replace(plain, sigma=float(sigma), step_size=float(step))
        expected, _, _ = run(alone.adapt(THETA[at], Again(normals, u, t)), hills(CENTRES[at]))
        assert np.any(expected != THETA[at])
        # rewards near -300 are divided by their spread
        np.testing.assert_allclose(adapted[at], expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("settings", [*GRADIENTS, *CLIMBS])
def test_scales_are_units_of_the_parameters(settings):
    """With scales S, theta = S phi is adapted as phi is without."""
    plain = settings if isinstance(settings, HillClimbing) else operator(**settings)
    own, normals, reward = factors(D), Normals(THETA.shape), hills(CENTRES)
    scale = np.exp(own)
    adapted, batches, _ = run(with_(plain, "scales").adapt(THETA, normals, own=own, policy=POLICY), reward)
    again = iter(normals.drawn)
    expected, tried, _ = run(
        plain.adapt(THETA / scale, lambda count: next(again).copy()), lambda phi: reward(phi * scale[..., None])
    )
    np.testing.assert_allclose(batches[0], tried[0] * scale[..., None], rtol=1e-12)
    np.testing.assert_allclose(adapted, expected * scale, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("subject", CLIMBS)
def test_a_climb_has_the_sigma_that_is_learned(subject):
    own, normals = factors(1), Normals(THETA.shape)
    adapted, _, _ = run(with_(subject, "sigma").adapt(THETA, normals, own=own, policy=POLICY), hills(CENTRES))
    for u, t in np.ndindex(U, T):
        at = np.s_[:, u : u + 1, t : t + 1]
        alone = dataclasses.replace(subject, sigma=float(subject.sigma * np.exp(own[0, u, t])))
        expected, _, _ = run(alone.adapt(THETA[at], Again(normals, u, t)), hills(CENTRES[at]))
        np.testing.assert_allclose(adapted[at], expected, rtol=1e-12)


@pytest.mark.parametrize("plain, learned", [(operator(steps=2), ALL), (CLIMBS[0], ["sigma", "scales"])])
def test_lengths_begin_as_configured_bit_for_bit(plain, learned):
    subject = with_(plain, *learned)
    own = own_initial(subject, POLICY, RNG)
    assert own.shape == (len(learned) - 1 + D,)
    own = np.repeat(own, U * T).reshape(-1, U, T)
    found, _, _ = run(subject.adapt(THETA, Normals(THETA.shape), own=own, policy=POLICY), hills(CENTRES))
    expected, _, _ = run(plain.adapt(THETA, Normals(THETA.shape)), hills(CENTRES))
    assert np.array_equal(found, expected)


def test_rows_have_names_in_a_chain():
    subject = chain([ESGradient(learned=["scales", "sigma"]), HillClimbing(), HillClimbing(learned=["sigma"])])
    names = [("es_gradient.sigma", 1), ("es_gradient.scales", D), ("hill_climbing.sigma", 1)]
    assert layout(subject, POLICY) == names and meta_size(subject, POLICY) == D + 1 + D + 1
    assert layout(ESGradient(learned=["sigma"]), POLICY) != layout(ESGradient(learned=["step_size"]), POLICY)


def test_by_ask_and_tell_two_numbers_need_no_policy():
    subject = ESGradient(queries=3, learned=["sigma", "step_size"])
    theta = np.array([0.5, -1.0, math.log(3.0), 0.0])
    wide, plain = Adaptation(subject, theta, seed=2), Adaptation(ESGradient(queries=3), theta[:2], seed=2)
    np.testing.assert_allclose(wide.ask() - theta[:2], 3.0 * (plain.ask() - theta[:2]), rtol=1e-12)
    with pytest.raises(UsageError, match="was given none"):
        Adaptation(HillClimbing(learned=["scales"]), theta, seed=2)


def test_what_is_refused():
    with pytest.raises(ConfigError, match="each length once"):
        HillClimbing(learned=["sigma", "sigma"])
    with pytest.raises(ConfigError, match=r"adaptation.learned = 'step_size'.*scales, sigma"):
        load({"adaptation": {"operator": "hill_climbing", "learned": ["step_size"]}})
    with pytest.raises(ConfigError, match=r"adaptation.reuse_radius = 1.0: .* \['sigma'\]"):
        operator(decoder="ridge", reuse_radius=1.0, learned=["sigma"])
    with pytest.raises(ConfigError, match=r"adaptation.learned = \['sigma'\]: .*first_order"):
        load({"adaptation": {"learned": ["sigma"]}, "meta": {"algorithm": "first_order"}}).resolved()
    with pytest.raises(ConfigError, match=r"adaptation.learned"):
        load({"adaptation": {"operator": "evo_es_gradient", "learned": ["sigma"]}})

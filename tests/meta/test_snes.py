"""SNES: its utilities, its natural gradient against the Fisher matrix, and what it finds on a quadratic."""

import math

import numpy as np
import pytest
from driving_algorithms import driven

from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.meta.snes import SNES, utilities
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams

D = 3
THETA, SIGMA = np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.5, 2.0])
AT = Round(Phase.TRAIN, 4)


def algorithm(**changes):
    meta = {"algorithm": "snes", "perturbations": 10, **changes}
    task = {"name": "navigation_2d", "train_size": 50, "batch_size": 5}
    return SNES.from_config(load({"run": {"seed": 3}, "task": task, "meta": meta}))


def samples(estimator, count, at=AT):
    """The samples s_k (count, d), from their definition."""
    signs = (1, -1) if estimator == "antithetic" else (1,)
    streams = Streams(3)
    drawn = [
        sign * streams.generator(Purpose.PERTURBATION, at, unit=i).standard_normal(D)
        for i in range(count // len(signs))
        for sign in signs
    ]
    return np.array(drawn)


def test_utilities_are_the_published_ones():
    values, n = np.array([3.0, -1.0, 7.0, 0.0, 2.0]), 5
    raw = [max(0.0, math.log(n / 2 + 1) - math.log(k)) for k in range(1, n + 1)]
    by_rank = [each / sum(raw) - 1 / n for each in raw]
    expected = [by_rank[[7.0, 3.0, 2.0, 0.0, -1.0].index(value)] for value in values]
    np.testing.assert_allclose(utilities(values), expected, rtol=1e-14)
    assert abs(utilities(values).sum()) < 1e-15


def test_utilities_follow_from_order_alone_and_equals_share_them():
    values = np.random.default_rng(1).normal(size=(7, 2))
    assert np.array_equal(utilities(np.exp(5 * values)), utilities(values))
    shared = utilities(np.array([1.0, 5.0, 5.0, 0.0]))
    apart = utilities(np.array([1.0, 6.0, 5.0, 0.0]))
    assert shared[1] == shared[2] == pytest.approx((apart[1] + apart[2]) / 2, rel=1e-14)
    assert np.array_equal(utilities(np.full((4, 2), -324.61)), np.zeros((4, 2)))


@pytest.mark.parametrize("estimator", ["antithetic", "vanilla"])
@pytest.mark.parametrize("failed", [[], [3]])
def test_the_step_is_the_natural_gradient_of_the_utilities(estimator, failed):
    """F^-1 sum_k u_k grad log N(x_k; theta, diag(sigma^2)), scores by finite differences of the density."""
    subject, eta = algorithm(estimator=estimator, sigma_step=0.3), 0.3
    s = samples(estimator, 10)
    x = THETA + SIGMA * s
    values = np.sin(x).sum(axis=1) + x[:, 0] * x[:, 2]
    values[failed] = np.nan
    values_of_all = np.concatenate([values, [0.0]])
    step = driven(subject, THETA, AT, {"sigma": SIGMA}, values_of_all)
    kept = [i for i in range(10) if i not in failed and (estimator == "vanilla" or i ^ 1 not in failed)]
    u = utilities(values[kept])

    def log_density(parameters, point):
        mean, logs = parameters[:D], parameters[D:]
        return float(np.sum(-((point - mean) ** 2) / (2 * np.exp(2 * logs)) - logs))

    at, h = np.concatenate([THETA, np.log(SIGMA)]), 1e-5
    scores = np.array(
        [[(log_density(at + h * e, p) - log_density(at - h * e, p)) / (2 * h) for e in np.eye(2 * D)] for p in x[kept]]
    )
    # Of a normal with its mean and its log sigmas as parameters: 1 / sigma^2 and 2 (Wierstra et al. 2014).
    draws = np.random.default_rng(2).standard_normal((200_000, D))
    fisher = np.concatenate([1 / SIGMA**2, np.full(D, 2.0)])
    found = np.concatenate([np.mean((draws / SIGMA) ** 2, axis=0), np.mean((draws**2 - 1) ** 2, axis=0)])
    np.testing.assert_allclose(found, fisher, rtol=0.03)
    natural = u @ scores / fisher
    np.testing.assert_allclose(step.gradient, natural[:D], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.log(step.kept["sigma"] / SIGMA), eta * natural[D:], rtol=1e-6, atol=1e-9)


def test_the_default_rate_of_log_sigma_is_the_published_one():
    values = np.arange(11.0)
    one = driven(algorithm(sigma_step=1.0), THETA, AT, {"sigma": SIGMA}, values).kept["sigma"]
    default = driven(algorithm(), THETA, AT, {"sigma": SIGMA}, values).kept["sigma"]
    rate = (3 + math.log(D)) / (5 * math.sqrt(D))
    np.testing.assert_allclose(np.log(default / SIGMA), rate * np.log(one / SIGMA), rtol=1e-12)


def test_without_a_signal_nothing_moves():
    step = driven(algorithm(), THETA, AT, {"sigma": SIGMA}, np.full(11, -3.0))
    assert np.array_equal(step.gradient, np.zeros(D)) and np.array_equal(step.kept["sigma"], SIGMA)


def test_too_few_values_give_no_step():
    assert driven(algorithm(), THETA, AT, {"sigma": SIGMA}, np.full(11, np.nan)).gradient is None


def test_on_a_quadratic_theta_finds_the_best_point_and_sigma_the_widths():
    """-sum (x / widths)^2: sigmas become proportional to the widths, whatever they were."""
    widths, theta, kept = np.array([0.1, 1.0, 10.0]), np.array([1.0, 1.0, 1.0]), {"sigma": np.ones(3)}
    subject = algorithm(perturbations=40)
    for iteration in range(150):
        at = Round(Phase.TRAIN, iteration)
        x = theta + kept["sigma"] * samples("antithetic", 40, at)
        values = np.append(-np.sum((x / widths) ** 2, axis=1), 0.0)
        step = driven(subject, theta, at, kept, values)
        theta, kept = theta + step.gradient, step.kept
    assert np.all(np.abs(theta / widths) < 1e-3) and np.all(kept["sigma"] < 1e-2 * widths)
    ratios = kept["sigma"] / widths
    assert ratios.max() / ratios.min() < 10  # they began 100 apart


@pytest.mark.parametrize("changes", [{"estimator": "forward_fd"}, {"sigma_schedule": {"shape": "linear"}}])
def test_what_does_not_fit_is_refused(changes):
    with pytest.raises(ConfigError, match=r"meta\.(estimator = 'forward_fd'|sigma_schedule)"):
        algorithm(**changes)

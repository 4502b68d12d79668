"""Importance-weighted reuse: the estimate from densities, its mean, and that neither parts nor ranks matter."""

import numpy as np
import pytest
from driving_algorithms import driven
from helpers import near

from esmaml_mpi.config.loading import load
from esmaml_mpi.meta.reuse import Reuse, effective
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams

D, SIGMA = 3, 0.5
THETA, OLD = np.array([0.5, -1.0, 2.0]), np.array([0.7, -1.2, 1.8])
AT = Round(Phase.TRAIN, 4, 1)


def algorithm(**changes):
    meta = {
        "algorithm": "zero_order_reuse",
        "perturbations": 10,
        "current_evaluations": 2,
        "sigma": SIGMA,
        "reward_normalization": "none",
        **changes,
    }
    task = {"name": "navigation_2d", "train_size": 50, "batch_size": 5}
    return Reuse.from_config(load({"run": {"seed": 3}, "task": task, "meta": meta}))


def points(estimator, centre, at, count):
    """The samples (count, d) around a centre, from their definition."""
    signs = (1, -1) if estimator == "antithetic" else (1,)
    generators = (Streams(3).generator(Purpose.PERTURBATION, at, unit=i) for i in range(count // len(signs)))
    drawn = [generator.standard_normal(D) for generator in generators]
    return np.array([centre + sign * SIGMA * g for g in drawn for sign in signs])


def quadratic(x):
    slope, curvature = np.array([1.0, -2.0, 0.5]), np.array([[2.0, 0.3, -0.5], [0.3, -1.0, 0.2], [-0.5, 0.2, 0.5]])
    return 2.0 + x @ slope + np.einsum("ni,ij,nj->n", x, curvature, x) / 2, slope + curvature @ THETA


def density(x, centre):
    return np.exp(-np.sum((x - centre) ** 2, axis=1) / (2 * SIGMA**2))


def estimate(estimator, at, old_at, old_theta, values_of=lambda x: quadratic(x)[0], subject=None, failed=(), parts=1):
    """The step, and what densities say it should be."""
    subject = subject or algorithm(estimator=estimator)
    count = subject.probe.perturbations.queries
    new, old = points(estimator, THETA, at, count), points(estimator, old_theta, old_at, count)
    values, old_values = (np.append(values_of(x), np.zeros(subject.probe.centres)) for x in (new, old))
    for where in failed:
        (values, old_values)[where[0]][where[1]] = np.nan
    kept = {"theta": old_theta, "values": old_values, "attempt": np.array(old_at.attempt)}
    step = driven(subject, THETA, at, kept, values, parts)
    good = []
    for given in (values[:count], old_values[:count]):
        finite = np.isfinite(given).reshape(-1, 2 if estimator == "antithetic" else 1).all(axis=1)
        good.append(np.repeat(finite, 2 if estimator == "antithetic" else 1))
    x = np.concatenate([new[good[0]], old[good[1]]])
    v = np.concatenate([values[:count][good[0]], old_values[:count][good[1]]])
    n, o = good[0].sum(), good[1].sum()
    p, q = density(x, THETA), density(x, old_theta)
    w = (n + o) * p / (n * p + o * q)
    expected = (w * v) @ (x - THETA) / ((n + o) * SIGMA**2)
    ratios = (p / q)[n:]
    return step, expected, ratios.sum() ** 2 / (ratios**2).sum()


@pytest.mark.parametrize("estimator", ["antithetic", "vanilla"])
@pytest.mark.parametrize("failed", [[], [(0, 3), (1, 6), (1, 7)]])
def test_the_gradient_is_that_of_the_densities(estimator, failed):
    step, expected, size = estimate(estimator, AT, Round(Phase.TRAIN, 3, 2), OLD, failed=failed)
    np.testing.assert_allclose(step.gradient, expected, rtol=1e-10)
    assert step.reused == pytest.approx(size, rel=1e-10)
    assert np.array_equal(step.kept["theta"], THETA) and step.kept["attempt"] == 1
    assert np.isnan(step.kept["values"][3]) == bool(failed)


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_parts_give_the_same_bits(parts):
    whole, part = (estimate("antithetic", AT, Round(Phase.TRAIN, 3), OLD, parts=each)[0] for each in (1, parts))
    assert np.array_equal(whole.gradient, part.gradient) and whole.reused == part.reused


@pytest.mark.parametrize("estimator", ["antithetic", "vanilla"])
def test_its_mean_is_the_gradient_of_the_smoothed_quadratic(estimator):
    """For an old theta that does not depend on the samples; rewards minus 2, so that the variance is small."""
    subject, found, plain = algorithm(estimator=estimator, perturbations=20), [], []
    for t in range(1, 1501):
        at, before = Round(Phase.TRAIN, 2 * t), Round(Phase.TRAIN, 2 * t - 1)
        step, _, _ = estimate(estimator, at, before, OLD, lambda x: quadratic(x)[0] - 2.0, subject)
        found.append(step.gradient)
        kept = {"theta": OLD, "values": np.full(22, np.nan), "attempt": np.array(-1)}
        values = np.append(quadratic(points(estimator, THETA, at, 20))[0] - 2.0, [0.0, 0.0])
        plain.append(driven(subject, THETA, at, kept, values).gradient)
    expected = quadratic(np.zeros((1, D)))[1]
    assert near(np.array(found), expected) and near(np.array(plain), expected)
    assert not near(np.array(found), 1.3 * expected)  # the error bar is small enough to see that
    smaller = np.var(found, axis=0) < 0.9 * np.var(plain, axis=0)
    larger = np.var(found, axis=0) > 1.1 * np.var(plain, axis=0)
    # What is even in the reward cancels in mirrored pairs, and with weights that differ within a pair no more.
    assert np.all(smaller if estimator == "vanilla" else larger)


def test_without_a_step_old_samples_count_fully():
    step, expected, _ = estimate("antithetic", AT, Round(Phase.TRAIN, 3), THETA)
    np.testing.assert_allclose(step.gradient, expected, rtol=1e-10)
    assert step.reused == pytest.approx(10.0, rel=1e-12)


def test_after_a_long_step_the_estimate_is_the_one_without_reuse():
    subject = algorithm()
    far = {"theta": THETA + 1000.0, "values": np.arange(12.0), "attempt": np.array(0)}
    values = np.append(quadratic(points("antithetic", THETA, AT, 10))[0], [0.0, 0.0])
    plain = driven(subject, THETA, AT, subject.initially_kept(D), values)
    step = driven(subject, THETA, AT, far, values)
    np.testing.assert_allclose(step.gradient, plain.gradient, rtol=1e-12)
    assert step.reused <= 2.0 and np.isnan(plain.reused)


@pytest.mark.parametrize("kind", ["standardize", "ars", "ranks"])
def test_all_rewards_are_normalised_together(kind):
    step, _, _ = estimate("antithetic", AT, Round(Phase.TRAIN, 3), OLD, subject=algorithm(reward_normalization=kind))
    scaled, _, _ = estimate(
        "antithetic",
        AT,
        Round(Phase.TRAIN, 3),
        OLD,
        lambda x: 100 * quadratic(x)[0],
        subject=algorithm(reward_normalization=kind, current_evaluations=1),
    )
    assert np.all(np.isfinite(step.gradient)) and np.any(step.gradient)
    if kind != "standardize":  # whose pivot is 0 in both
        np.testing.assert_allclose(scaled.gradient, step.gradient, rtol=1e-9)


@pytest.mark.parametrize("kind", ["standardize", "ars"])
def test_old_rewards_and_new_ones_have_one_scale(kind):
    before = Round(Phase.TRAIN, 3)
    both = np.concatenate([quadratic(points("antithetic", c, at, 10))[0] for c, at in ((THETA, AT), (OLD, before))])
    if kind == "standardize":
        both = np.append(both, 0.0)  # the pivot counts there
    shift = both.mean() if kind == "standardize" else 0.0
    step, _, _ = estimate("antithetic", AT, before, OLD, subject=algorithm(reward_normalization=kind))
    _, expected, _ = estimate("antithetic", AT, before, OLD, lambda x: (quadratic(x)[0] - shift) / both.std())
    np.testing.assert_allclose(step.gradient, expected, rtol=1e-9)


def test_no_gradient_where_no_reward_differs():
    step, _, _ = estimate("antithetic", AT, Round(Phase.TRAIN, 3), OLD, lambda x: np.zeros(len(x)))
    assert np.array_equal(step.gradient, np.zeros(D))


def test_effective_sample_sizes():
    assert effective(np.log([3.0, 3.0, 3.0])) == pytest.approx(3.0)
    assert effective(np.log([1e30, 1.0, 2.0])) == pytest.approx(1.0)
    for shift in (-1e6, 0.0, 1e6):
        assert effective(shift + np.log([1.0, 3.0])) == pytest.approx(16 / 10, rel=1e-9)

"""SGD and Adam against their formulas, number by number."""

import math

import numpy as np
import pytest

from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.meta.optimizers import OPTIMIZERS, SGD, Adam, make_optimizer

GRADIENTS = np.random.default_rng(6).normal(size=(30, 3)) * np.array([1e-4, 1.0, 1e4])
START = np.array([1.0, -2.0, 3.0])


def run(optimizer, gradients, theta=START):
    path = [theta]
    for gradient in gradients:
        path.append(optimizer.step(path[-1], gradient))
    return np.array(path)


def adam(gradients, step_size, x, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma and Ba 2015, Algorithm 1, with a plus, for one number."""
    m = v = 0.0
    path = [x]
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        x = x + step_size * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + epsilon)
        path.append(x)
    return path


def test_sgd_ascends_by_beta_times_the_gradient():
    assert np.array_equal(run(SGD(0.01), GRADIENTS[:1])[1], START + 0.01 * GRADIENTS[0])


def test_adam_is_the_published_algorithm():
    path = run(Adam(0.05), GRADIENTS)
    for i in range(3):
        np.testing.assert_allclose(path[:, i], adam(GRADIENTS[:, i].tolist(), 0.05, float(START[i])), rtol=1e-13)


def test_adams_first_step_is_the_step_size_in_the_sign_of_the_gradient():
    moved = run(Adam(0.05), GRADIENTS[:1])[1] - START
    np.testing.assert_allclose(moved, 0.05 * np.sign(GRADIENTS[0]), rtol=2e-4)  # epsilon / |gradient| where it is 1e-4


def test_momentum_adds_up_decayed_gradients():
    path = run(SGD(0.1, momentum=0.7), GRADIENTS)
    for t in range(30):
        velocity = sum(0.7 ** (t - s) * GRADIENTS[s] for s in range(t + 1))
        np.testing.assert_allclose(path[t + 1] - path[t], 0.1 * velocity, rtol=1e-9, atol=1e-9)


def test_momentum_on_a_quadratic_oscillates_as_the_recurrence_says():
    # -x^2 / 2: x(t + 1) = (1 + mu - beta) x(t) - mu x(t - 1), the heavy ball.
    optimizer, path = SGD(0.3, momentum=0.8), [2.0]
    for _ in range(20):
        path.append(float(optimizer.step(np.array([path[-1]]), np.array([-path[-1]]))[0]))
    expected = [2.0, 2.0 - 0.3 * 2.0]
    while len(expected) < 21:
        expected.append(1.5 * expected[-1] - 0.8 * expected[-2])
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-14)
    assert min(path) < -0.5  # plain ascent would stay above 0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_clipped_gradient_keeps_its_direction(name):
    gradient = np.array([3.0, -4.0, 12.0])  # of length 13
    given = OPTIMIZERS[name](0.1, clip=6.5).step(START, gradient)
    np.testing.assert_allclose(given, OPTIMIZERS[name](0.1).step(START, gradient / 2), rtol=1e-14)
    for most in (13.0, 20.0):
        assert np.array_equal(
            OPTIMIZERS[name](0.1, clip=most).step(START, gradient), OPTIMIZERS[name](0.1).step(START, gradient)
        )


def test_the_section_meta_chooses_optimizer_and_options():
    made = make_optimizer(load({"meta": {"optimizer": "sgd", "optimizer_options": {"momentum": 0.5}}}).meta)
    assert made == SGD(0.01, 0.5)
    made = make_optimizer(
        load({"meta": {"optimizer": "adam", "step_size": 0.3, "optimizer_options": {"clip": 2}}}).meta
    )
    assert made == Adam(0.3, clip=2.0)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"momentum": 1.0}, r"meta\.optimizer_options\.momentum = 1\.0: a value >= 0 and < 1"),
        ({"momentun": 0.5}, r"Did you mean 'meta\.optimizer_options\.momentum'"),
        ({"step_size": 0.5}, r"step_size = 0\.5: meta\.step_size is wanted"),
    ],
)
def test_options_that_there_are_not_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        load({"meta": {"optimizer_options": options}}).resolved()


MADE = [(name, {}) for name in OPTIMIZERS] + [("sgd", {"momentum": 0.9, "clip": 1e3})]


@pytest.mark.parametrize("name, options", MADE)
@pytest.mark.parametrize("cut", [0, 1, 13])
def test_saved_and_restored_it_goes_on_bit_for_bit(name, options, cut):
    whole = run(OPTIMIZERS[name](0.02, **options), GRADIENTS)
    first = OPTIMIZERS[name](0.02, **options)
    half = run(first, GRADIENTS[:cut])
    saved = {key: np.array(value) for key, value in first.to_arrays().items()}
    run(first, GRADIENTS[cut:], half[-1])  # going on with the first must not change what was saved
    second = OPTIMIZERS[name](0.02, **options)
    second.restore(saved)
    assert np.array_equal(run(second, GRADIENTS[cut:], half[-1]), whole[cut:])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_inputs_are_left_alone(name):
    optimizer, theta, gradient = OPTIMIZERS[name](0.02), START.copy(), GRADIENTS[0].copy()
    for _ in range(2):
        optimizer.step(theta, gradient)
    assert np.array_equal(theta, START) and np.array_equal(gradient, GRADIENTS[0])

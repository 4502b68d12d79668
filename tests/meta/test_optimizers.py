"""SGD and Adam against their formulas, number by number."""

import math

import numpy as np
import pytest

from esmaml_mpi.meta.optimizers import OPTIMIZERS, SGD, Adam

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


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("cut", [0, 1, 13])
def test_saved_and_restored_it_goes_on_bit_for_bit(name, cut):
    whole = run(OPTIMIZERS[name](0.02), GRADIENTS)
    first = OPTIMIZERS[name](0.02)
    half = run(first, GRADIENTS[:cut])
    saved = {key: np.array(value) for key, value in first.to_arrays().items()}
    run(first, GRADIENTS[cut:], half[-1])  # going on with the first must not change what was saved
    second = OPTIMIZERS[name](0.02)
    second.restore(saved)
    assert np.array_equal(run(second, GRADIENTS[cut:], half[-1]), whole[cut:])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_inputs_are_left_alone(name):
    optimizer, theta, gradient = OPTIMIZERS[name](0.02), START.copy(), GRADIENTS[0].copy()
    for _ in range(2):
        optimizer.step(theta, gradient)
    assert np.array_equal(theta, START) and np.array_equal(gradient, GRADIENTS[0])

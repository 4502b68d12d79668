"""Coefficients number by number, their shapes, mirrored pairs, and reward normalisation."""

import numpy as np
import pytest

from esmaml_mpi.estimators.rewards import normalize, scaling
from esmaml_mpi.hessians import HESSIANS, product

RNG = np.random.default_rng(5)
ONE_SIDED = [name for name, hessian in HESSIANS.items() if not hessian.mirrored]
VALUES, PIVOT = np.array([[1.0], [2.0], [6.0]]), np.asarray(4.0)
PAIRS = np.array([[1.0, 3.0], [2.0, 7.0], [6.0, -1.0]])


@pytest.mark.parametrize(
    "name, values, expected",
    [
        ("plain", VALUES, [1.0, 2.0, 6.0]),
        ("pivot", VALUES, [-3.0, -2.0, 2.0]),
        ("leave_one_out", VALUES, [1 - 4.0, 2 - 3.5, 6 - 1.5]),
        ("plain", PAIRS, [2.0, 4.5, 2.5]),
        ("pivot", PAIRS, [-2.0, 0.5, -1.5]),
        ("leave_one_out", PAIRS, [2 - 3.5, 4.5 - 2.25, 2.5 - 3.25]),
        ("antithetic", PAIRS, [-2.0, 0.5, -1.5]),
    ],
)
def test_coefficients_number_by_number(name, values, expected):
    found = HESSIANS[name].coefficients(values, PIVOT if HESSIANS[name].needs_pivot else None)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("name", HESSIANS)
def test_leading_axes_are_rows_of_their_own(name):
    values, pivot = RNG.normal(-300.0, 40.0, (4, 3, 5, 2)), RNG.normal(-300.0, 40.0, (4, 3))
    found = HESSIANS[name].coefficients(values, pivot)
    assert found.shape == (4, 3, 5)
    for row in np.ndindex(4, 3):
        assert np.array_equal(found[row], HESSIANS[name].coefficients(values[row], pivot[row]))


def test_antithetic_refuses_queries_that_are_not_mirrored():
    with pytest.raises(IndexError):
        HESSIANS["antithetic"].coefficients(VALUES, PIVOT)


def test_leaving_one_out_of_one_is_refused_and_the_others_say_that_one_is_enough():
    for name, hessian in HESSIANS.items():
        if name == "leave_one_out":
            assert hessian.fewest_directions == 2
            with pytest.raises(ZeroDivisionError):
                hessian.coefficients(VALUES[:1], None)
        else:
            assert hessian.fewest_directions == 1 and np.isfinite(hessian.coefficients(PAIRS[:1], PIVOT)).all()


@pytest.mark.parametrize("name", ONE_SIDED)
def test_mirrored_queries_count_as_directions_g_and_minus_g(name):
    """Except for the baseline of the others, which leaves out the twin as well."""
    hessian, g, vector = HESSIANS[name], RNG.standard_normal((3, 6)), RNG.standard_normal(6)
    together = product(g, hessian.coefficients(PAIRS, PIVOT), vector, 0.3)
    signed = [direction for pair in zip(g, -g, strict=True) for direction in pair]
    apart = product(signed, hessian.coefficients(PAIRS.reshape(6, 1), PIVOT), vector, 0.3)
    assert np.allclose(together, apart, rtol=1e-12) is (name != "leave_one_out")


@pytest.mark.parametrize("name", HESSIANS)
@pytest.mark.parametrize("kind", ["standardize", "ars"])
def test_normalised_rewards_give_the_hessian_over_their_std(name, kind):
    values, pivot = RNG.normal(-300.0, 40.0, (2, 8, 2)), RNG.normal(-300.0, 40.0, 2)
    normal, normal_pivot, _ = normalize(values, pivot, kind)
    shift, scale, _ = scaling(values, pivot, kind)
    if kind == "ars":
        scale_again = values.reshape(2, 16).std(axis=1)
    else:
        scale_again = np.concatenate([values.reshape(2, 16), pivot[:, None]], axis=1).std(axis=1)
    np.testing.assert_allclose(scale, scale_again, rtol=1e-12)
    found = HESSIANS[name].coefficients(normal, normal_pivot)
    true_scale = HESSIANS[name].coefficients(values, pivot)
    if name == "plain":  # the only one that a common shift reaches
        true_scale = true_scale - shift[:, None]
    np.testing.assert_allclose(found * scale[:, None], true_scale, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", HESSIANS)
def test_only_plain_sees_what_all_rewards_have_in_common(name):
    shifted = HESSIANS[name].coefficients(PAIRS + 1024.0, PIVOT + 1024.0) - HESSIANS[name].coefficients(PAIRS, PIVOT)
    np.testing.assert_allclose(shifted, 1024.0 if name == "plain" else 0.0, atol=1e-12)


@pytest.mark.parametrize("name", HESSIANS)
def test_inputs_are_left_alone(name):
    values, pivot = PAIRS.copy(), PIVOT.copy()
    HESSIANS[name].coefficients(values, pivot)
    assert np.array_equal(values, PAIRS) and pivot == PIVOT

"""Reward normalisation, and the guard against steps made of rounding."""

import numpy as np
import pytest
import reference

from esmaml_mpi.estimators.rewards import NORMALIZATIONS, best_test, normalize

RNG = np.random.default_rng(8)


def column(*values):
    """Query values of m directions with one sign: (m, 1)."""
    return np.array(values, dtype=float)[:, None]


def test_no_test_with_failures_is_better_than_one_with_fewer():
    nan = np.nan
    tests = np.array([[-6.0, -6.0], [-1.0, nan], [-5.0, -5.0], [nan, nan], [-5.0, -5.0]])
    assert best_test(tests) == 2  # not 1, whose mean leaves out what failed; the first of equals
    assert best_test(tests[[1, 3]]) == 0 and best_test(tests[[3]]) is None and best_test(tests[:0]) is None
    assert best_test(np.array([[-1.0, -np.inf], [-9.0, -9.0]])) == 1


def test_standardize_uses_mean_and_population_std_of_queries_and_pivot():
    values, pivot, signal = normalize(column(1.0, 2.0, 6.0), np.asarray(3.0), "standardize")
    everything = np.array([1.0, 2.0, 6.0, 3.0])
    assert signal
    np.testing.assert_allclose(values[:, 0], (everything[:3] - 3.0) / np.sqrt(3.5), rtol=1e-15)
    assert pivot == 0.0


def test_standardize_without_pivot_is_over_the_queries():
    values, pivot, _ = normalize(column(1.0, 2.0, 6.0), None, "standardize")
    np.testing.assert_allclose(values[:, 0], (np.array([1.0, 2.0, 6.0]) - 3.0) / np.sqrt(14 / 3), rtol=1e-15)
    assert pivot is None


def test_ars_divides_by_the_std_of_the_queries_alone():
    values, pivot, _ = normalize(column(1.0, 2.0, 6.0), np.asarray(30.0), "ars")
    np.testing.assert_allclose(values[:, 0], np.array([1.0, 2.0, 6.0]) / np.sqrt(14 / 3), rtol=1e-15)
    assert pivot == pytest.approx(30.0 / np.sqrt(14 / 3), rel=1e-15)


def test_mirrored_pairs_count_as_two_queries_each():
    pairs = np.array([[1.0, 2.0], [6.0, -1.0]])
    values, _, _ = normalize(pairs, None, "ars")
    np.testing.assert_allclose(values, pairs / pairs.std(), rtol=1e-15)


def test_none_leaves_values_as_they_are():
    values, pivot, signal = normalize(column(1.0, 2.0, 6.0), np.asarray(3.0), "none")
    assert np.array_equal(values[:, 0], [1.0, 2.0, 6.0]) and pivot == 3.0 and signal


@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("signs", [1, 2])
@pytest.mark.parametrize("with_pivot", [True, False])
def test_a_batch_is_normalised_row_by_row(kind, signs, with_pivot):
    values = RNG.normal(-300.0, 40.0, (4, 3, 5, signs))
    pivot = RNG.normal(-300.0, 40.0, (4, 3)) if with_pivot else None
    found, found_pivot, signal = normalize(values, pivot, kind)
    assert found.shape == values.shape and signal.shape == (4, 3) and signal.all()
    for row in np.ndindex(4, 3):
        queries, centre = reference.normalized(
            values[row].ravel().tolist(), None if pivot is None else float(pivot[row]), kind
        )
        np.testing.assert_allclose(found[row].ravel(), queries, rtol=1e-11, atol=1e-12)
        if with_pivot:
            assert found_pivot[row] == pytest.approx(centre, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("value", [-324.61, -400.0, 0.0, 1e-300, 1e9, 0.1])
def test_values_equal_to_rounding_carry_no_signal(kind, value):
    equal = np.full(50, value)
    if value == -324.61:
        assert equal.std() > 0  # NumPy's own answer: dividing by it would make a step of noise
    jitter = equal * (1 + 1e-15 * RNG.integers(-2, 3, 50))
    for values in (equal, jitter):
        normal, pivot, signal = normalize(values[:, None], np.asarray(value), kind)
        assert not signal and np.all(normal == 0) and pivot == 0


@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("difference", [1e-7, 1.0])
def test_one_value_that_differs_is_a_signal(kind, difference):
    values = np.full(50, -324.61)
    values[17] += difference
    normal, _, signal = normalize(values[:, None], np.asarray(-324.61), kind)
    assert signal
    assert np.argmax(normal) == 17 and normal[17] > normal[16]


def test_standardize_sees_a_signal_in_the_pivot_alone():
    normal, pivot, signal = normalize(column(*[-400.0] * 20), np.asarray(-390.0), "standardize")
    assert signal and np.all(normal < 0) and pivot > 4  # 20 / sqrt(20)


def test_ars_sees_none_in_the_pivot_alone_as_it_divides_by_the_queries_std():
    normal, pivot, signal = normalize(column(*[-400.0] * 20), np.asarray(-390.0), "ars")
    assert not signal and np.all(normal == 0) and pivot == 0


def test_rows_without_signal_do_not_touch_the_others():
    values = RNG.normal(size=(3, 6, 1))
    expected = normalize(values, None, "standardize")[0]
    values[1] = 7.0
    found, _, signal = normalize(values, None, "standardize")
    assert signal.tolist() == [True, False, True]
    assert np.array_equal(found[[0, 2]], expected[[0, 2]]) and np.all(found[1] == 0)


@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_gives_no_step(kind, bad):
    with np.errstate(all="ignore"):
        normal, pivot, signal = normalize(column(1.0, bad, 2.0), np.asarray(0.5), kind)
    assert not signal and np.all(normal == 0) and pivot == 0


@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_inputs_are_left_alone(kind):
    values, pivot = column(1.0, 2.0, 6.0), np.asarray(3.0)
    normalize(values, pivot, kind)
    assert np.array_equal(values, column(1.0, 2.0, 6.0)) and pivot == 3.0


@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("power", [-1000, -600, 600, 1015])
def test_spreads_whose_squares_are_no_numbers_are_signals(kind, power):
    """Squares are infinite above 1e154 and 0 below 1e-162. Powers of two, so that the same bits come out."""
    values, pivot = RNG.normal(size=(2, 7, 2)), RNG.normal(size=2)
    expected = normalize(values, pivot, kind)
    found = normalize(np.ldexp(values, power), np.ldexp(pivot, power), kind)
    assert found[2].all()
    back = -power if kind == "none" else 0
    assert np.array_equal(np.ldexp(found[0], back), expected[0])
    assert np.array_equal(np.ldexp(found[1], back), expected[1])


def test_the_largest_numbers_there_are_are_told_apart():
    largest = np.finfo(float).max
    normal, _, signal = normalize(column(largest, -largest, largest, -largest), None, "standardize")
    assert signal and np.array_equal(normal[:, 0], [1.0, -1.0, 1.0, -1.0])


def test_ranks_are_places_that_equals_share():
    values = np.array([[[3.0], [-1.0], [3.0], [1e9], [-1.0], [-1.0]]])
    ranks, pivot, signal = normalize(values, np.array([5.0]), "ranks")
    # in order: -1 -1 -1 3 3 5 1e9 have places 1 1 1 3.5 3.5 5 6 of 0 to 6
    places = np.array([3.5, 1, 3.5, 6, 1, 1])
    assert np.array_equal(ranks[0, :, 0], places / 6 - 0.5) and pivot[0] == 5 / 6 - 0.5 and signal[0]


@pytest.mark.parametrize("signs", [1, 2])
@pytest.mark.parametrize("with_pivot", [False, True])
def test_ranks_are_those_of_a_loop_row_by_row(signs, with_pivot):
    values = RNG.integers(0, 6, (4, 3, 7, signs)).astype(float)
    pivot = RNG.integers(0, 6, (4, 3)).astype(float) if with_pivot else None
    ranks, ranked_pivot, signal = normalize(values, pivot, "ranks")
    assert signal.all() and (ranked_pivot is None) != with_pivot
    for at in np.ndindex(4, 3):
        everything = [*values[at].ravel(), *([] if pivot is None else [pivot[at]])]

        def place(x, everything=everything):
            below, equal = sum(y < x for y in everything), sum(y == x for y in everything)
            return (below + (equal - 1) / 2) / (len(everything) - 1) - 0.5

        np.testing.assert_allclose(ranks[at], np.vectorize(place)(values[at]), atol=1e-15)
        assert pivot is None or abs(ranked_pivot[at] - place(pivot[at])) < 1e-15


def test_ranks_of_equals_carry_no_signal():
    ranks, pivot, signal = normalize(np.full((2, 5, 1), -400.0), np.full(2, -400.0), "ranks")
    assert not ranks.any() and not pivot.any() and not signal.any()
    ranks, _, signal = normalize(np.array([[[1.0], [np.nan], [2.0]]]), None, "ranks")
    assert not signal.any() and not ranks.any()

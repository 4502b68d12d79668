"""The decayed memory of gradients against the full covariance."""

import numpy as np
import pytest

from esmaml_mpi.directions.gradient_memory import GradientMemory

RNG = np.random.default_rng(21)


def filled(gradients, rows, decay=0.9):
    memory = GradientMemory(len(gradients[0]), rows, decay)
    for gradient in gradients:
        memory.add(gradient)
    return memory


def covariance(gradients, decay=0.9):
    """The recursion with d x d numbers."""
    total = np.zeros((len(gradients[0]),) * 2)
    for gradient in gradients:
        total = decay * total + (1 - decay) * np.outer(gradient, gradient)
    return total


def kept(memory):
    """B'B."""
    matrix = memory.to_arrays()["matrix"]
    return matrix.T @ matrix


@pytest.mark.parametrize("dimension", [3, 30])
def test_it_is_the_recursion_exactly_while_there_is_room(dimension):
    gradients = RNG.standard_normal((12, dimension))
    memory = filled(gradients, 12)
    np.testing.assert_allclose(kept(memory), covariance(gradients), atol=1e-14)
    assert len(memory) == 12 and memory.forgotten == 0
    assert memory.trace == pytest.approx(np.trace(covariance(gradients)), rel=1e-12)


def test_it_stays_exact_for_gradients_of_a_small_subspace():
    gradients = RNG.standard_normal((60, 4)) @ RNG.standard_normal((4, 30))
    memory = filled(gradients, 5)
    np.testing.assert_allclose(kept(memory), covariance(gradients), atol=1e-10)
    assert len(memory) == 5 and memory.forgotten < 1e-10


def test_what_does_not_fit_is_the_least_and_is_accounted_for():
    gradients = RNG.standard_normal((80, 20)) * np.geomspace(10, 0.1, 20)
    memory, full = filled(gradients, 10), covariance(gradients)
    assert memory.to_arrays()["matrix"].shape == (10, 20)
    lost = full - kept(memory)
    assert np.linalg.eigvalsh(lost).min() > -1e-10  # nothing is made up
    assert memory.forgotten == pytest.approx(np.trace(lost), rel=1e-9)
    assert 0 < memory.forgotten < 1.5 * np.linalg.eigvalsh(full)[:10].sum()  # the best that ten rows can do is 1
    newest = 9.0 * np.eye(20)[19]
    memory.add(newest)  # a row as any other, however full the memory is
    assert newest @ kept(memory) @ newest == pytest.approx(0.1 * 81 * 81, rel=0.05)


@pytest.mark.parametrize("threshold", [0.3, 0.8, 0.995, 1.0])
@pytest.mark.parametrize("rows", [10, 40])
def test_the_basis_is_the_fewest_eigenvectors_that_reach_the_threshold(threshold, rows):
    gradients = RNG.standard_normal((25, 15)) * np.geomspace(3, 0.3, 15)
    memory = filled(gradients, rows)
    columns, values = memory.basis(threshold)
    np.testing.assert_allclose(columns.T @ columns, np.eye(values.size), atol=1e-12)
    full = kept(memory)
    expected = np.sort(np.linalg.eigvalsh(full))[::-1]
    np.testing.assert_allclose(values, expected[: values.size], rtol=1e-8)
    np.testing.assert_allclose(full @ columns, columns * values, atol=1e-10)
    assert values.sum() >= threshold * expected.sum() * (1 - 1e-12)
    assert values[:-1].sum() < threshold * expected.sum()


def test_a_threshold_of_one_does_not_ask_for_directions_that_are_not_there():
    gradients = RNG.standard_normal((30, 3)) @ RNG.standard_normal((3, 20))
    columns, values = filled(gradients, 30).basis(1.0)
    assert columns.shape == (20, 3) and values.shape == (3,)
    assert filled(RNG.standard_normal((30, 4)), 30).basis(1.0)[0].shape == (4, 4)


def test_a_repeated_gradient_is_its_own_basis_with_a_definite_sign():
    gradient = np.array([1.0, -3.0, 2.0])
    columns, values = filled([gradient, -gradient], 5).basis(0.995)
    np.testing.assert_allclose(columns[:, 0], -gradient / np.sqrt(14), rtol=1e-12)
    np.testing.assert_allclose(values, [0.19 * 14], rtol=1e-12)


@pytest.mark.parametrize("gradients", [[], [np.zeros(4)], [np.zeros(4)] * 9])
def test_without_a_gradient_there_is_no_basis(gradients):
    memory = GradientMemory(4, 3, 0.9)
    for gradient in gradients:
        memory.add(gradient)
    columns, values = memory.basis(0.995)
    assert columns.shape == (4, 0) and values.shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_refused(bad):
    memory = filled(RNG.standard_normal((3, 4)), 5)
    before = kept(memory)
    with pytest.raises(ValueError, match="finite"):
        memory.add(np.array([1.0, bad, 0.0, 0.0]))
    assert np.array_equal(kept(memory), before)


def test_a_restored_memory_goes_on_bit_for_bit():
    gradients = RNG.standard_normal((40, 12))
    straight, first = filled(gradients, 6), filled(gradients[:25], 6)
    arrays = first.to_arrays()
    assert all(np.asarray(value).dtype == np.float64 for value in arrays.values())
    second = GradientMemory.from_arrays(arrays, 6, 0.9)
    first.add(gradients[25])  # the checkpoint is a copy
    for gradient in gradients[25:]:
        second.add(gradient)
    for name, value in straight.to_arrays().items():
        assert np.array_equal(second.to_arrays()[name], value)
    assert np.array_equal(second.basis(0.9)[0], straight.basis(0.9)[0])


def test_the_latest_gradient_says_how_likely_directions_in_the_subspace_are():
    memory = filled([np.array([3.0, 0.0, 0.0, 0.0]), latest := np.array([3.0, 1.0, 0.0, 0.0])], 2, 0.5)
    subspace = memory.subspace(0.9)
    assert subspace.basis.shape == (4, 1)
    inside = (subspace.basis[:, 0] @ latest) ** 2
    # Lengths are those of all four numbers, so that k of them have the factor k (4 + 2) / 4: k = 1 and 3 here.
    within, beyond = np.sqrt(1 * inside), np.sqrt(3 * (latest @ latest - inside))
    assert subspace.probability == pytest.approx(within / (within + beyond), rel=1e-9)

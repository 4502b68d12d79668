"""The outer loop: which units there are, what they share, and how their values become a gradient."""

import numpy as np
import pytest
import reference
from helpers import near

from esmaml_mpi.config.loading import load
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.rewards import NORMALIZATIONS
from esmaml_mpi.meta.zero_order import ZeroOrder
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams

D = 3
THETA = np.array([0.5, -1.0, 2.0])
AT = Round(Phase.TRAIN, 4)


SETTINGS = dict(
    perturbations=10,
    current_evaluations=5,
    sigma=0.5,
    estimator="forward_fd",
    reward_normalization="standardize",
    top_directions=0,
    top_ranking="difference",
)


def algorithm(train_size=50, batch_size=5, **changes):
    task = {"name": "navigation_2d", "train_size": train_size, "batch_size": batch_size}
    return ZeroOrder.from_config(load({"run": {"seed": 3}, "task": task, "meta": {**SETTINGS, **changes}}))


def directions(subject, at, count):
    """The outer directions (count, d), from their definition."""
    return np.array([Streams(3).generator(Purpose.PERTURBATION, at, unit=i).standard_normal(D) for i in range(count)])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_points_are_theta_moved_along_the_directions_then_theta_itself(estimator):
    subject = algorithm(estimator=estimator)
    points = subject.points(THETA, AT, range(subject.evaluations))
    g = directions(subject, AT, 10)
    for i in range(10):
        step = 0.5 * g[i // 2] * (-1) ** i if estimator == "antithetic" else 0.5 * g[i]
        np.testing.assert_allclose(points[:, i], THETA + step, rtol=1e-14)
    assert np.array_equal(points[:, 10:], np.repeat(THETA[:, None], 5, axis=1))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_block_of_units_is_that_part_of_the_whole(estimator):
    subject = algorithm(estimator=estimator)
    whole = subject.units(AT, range(15))
    for block in (range(0, 1), range(3, 8), range(9, 15), range(4, 4)):
        part = subject.units(AT, block)
        assert np.array_equal(part.tasks, whole.tasks[block.start : block.stop]) and part.tasks.shape[1] == 5
        assert np.array_equal(part.streams, whole.streams[block.start : block.stop])
        points = subject.points(THETA, AT, block)
        assert np.array_equal(points, subject.points(THETA, AT, range(15))[:, block.start : block.stop])


def test_tasks_are_drawn_without_replacement_and_uniformly():
    subject = algorithm(perturbations=300, current_evaluations=100)
    batches = np.concatenate([subject.units(Round(Phase.TRAIN, t), range(400)).tasks for t in range(5)])
    assert batches.min() == 0 and batches.max() == 49
    assert all(len(set(batch)) == 5 for batch in batches.tolist())
    counts = np.bincount(batches.ravel(), minlength=50)
    assert np.sum((counts - 200) ** 2 / 200) < 85  # chi squared, 49 degrees of freedom: 0.1 % are above


def test_units_iterations_and_attempts_draw_different_batches():
    subject = algorithm(train_size=1000)
    rounds = [Round(Phase.TRAIN, 4), Round(Phase.TRAIN, 5), Round(Phase.TRAIN, 4, 1)]
    batches = [tuple(batch) for at in rounds for batch in subject.units(at, range(15)).tasks.tolist()]
    assert len(set(batches)) == 45
    points = [tuple(point) for at in rounds for point in subject.points(THETA, at, range(10)).T.tolist()]
    assert len(set(points)) == 30


def test_a_batch_of_all_tasks_is_all_tasks():
    units = algorithm(train_size=4, batch_size=4).units(AT, range(15))
    assert np.array_equal(units.tasks, np.tile(np.arange(4), (15, 1)))


def test_antithetic_twins_share_tasks_and_streams_and_nobody_else_does():
    units = algorithm(estimator="antithetic", train_size=1000).units(AT, range(15))
    assert np.array_equal(units.streams[0:10:2], units.streams[1:10:2])
    assert np.array_equal(units.tasks[0:10:2], units.tasks[1:10:2])
    groups = [*units.streams[0:10:2], *units.streams[10:]]
    assert len(set(groups)) == 10
    assert len({tuple(batch) for batch in units.tasks.tolist()}) == 10


def test_with_common_random_numbers_all_units_share_tasks_and_streams():
    subject = algorithm(common_random_numbers=True, current_evaluations=1, train_size=1000)
    units = subject.units(AT, range(11))
    assert len({tuple(batch) for batch in units.tasks.tolist()}) == 1 and set(units.streams.tolist()) == {0}
    assert not np.array_equal(units.tasks, subject.units(Round(Phase.TRAIN, 5), range(11)).tasks)
    assert np.array_equal(subject.units(AT, range(4, 8)).tasks, units.tasks[4:8])
    points = subject.points(THETA, AT, range(11))
    assert np.array_equal(points, algorithm(current_evaluations=1).points(THETA, AT, range(11)))


def test_common_random_numbers_want_one_current_evaluation():
    with pytest.raises(ConfigError, match=r"meta\.current_evaluations = 5: .* 1 is wanted"):
        algorithm(common_random_numbers=True)


@pytest.mark.parametrize("more", [{}, {"decoder": "ridge"}, {"directions": "active_subspace"}])
def test_a_scheduled_sigma_moves_the_queries_and_divides_the_gradient(more):
    more = {"reward_normalization": "none", **more}
    scheduled = algorithm(sigma_schedule={"shape": "linear", "final": 0.5, "iterations": 8}, **more)
    plain = algorithm(sigma=0.5 * 0.75, **more)  # iteration 4 of 8
    assert np.array_equal(scheduled.points(THETA, AT, range(15)), plain.points(THETA, AT, range(15)))
    values = np.random.default_rng(5).normal(size=15)
    assert np.array_equal(scheduled.gradient(AT, values, D), plain.gradient(AT, values, D))


@pytest.mark.parametrize("estimator", ["vanilla", "forward_fd"])
def test_without_twins_every_unit_has_a_stream_of_its_own(estimator):
    assert len(set(algorithm(estimator=estimator).units(AT, range(15)).streams.tolist())) == 15


def plain_gradient(subject, values):
    """The same from its definition, one direction at a time; None where there is none."""
    perturbations = subject.probe.perturbations
    signs = 2 if perturbations.estimator == "antithetic" else 1
    pivots = [v for v in values[perturbations.queries :] if np.isfinite(v)]
    pivot = sum(pivots) / len(pivots) if pivots else None
    groups = np.reshape(values[: perturbations.queries], (-1, signs)).tolist()
    kept = [i for i, group in enumerate(groups) if all(map(np.isfinite, group))]
    if not kept or (perturbations.estimator == "forward_fd" and pivot is None):
        return None
    if 0 < subject.top_directions < len(kept):

        def rank(i):
            if subject.top_ranking == "max":
                return max(groups[i])
            return abs(groups[i][0] - (groups[i][1] if signs == 2 else pivot))

        kept = sorted(sorted(kept, key=rank, reverse=True)[: subject.top_directions])
    signal = reference.normalized([v for i in kept for v in groups[i]], pivot, perturbations.reward_normalization)
    if signal is None:
        return np.zeros(D)
    g = directions(subject, AT, len(groups))
    differences = reference.differences(*signal, perturbations.estimator)
    return sum(w * g[i] for w, i in zip(differences, kept, strict=True)) / (len(kept) * perturbations.sigma)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("top, ranking", [(0, "difference"), (2, "difference"), (3, "max")])
@pytest.mark.parametrize("failed", [[], [1, 6, 7, 12], [0, 3, 5, 8, 10, 11, 12, 13]])
def test_gradient_is_the_plain_sum_over_directions_that_did_not_fail(estimator, kind, top, ranking, failed):
    subject = algorithm(estimator=estimator, reward_normalization=kind, top_directions=top, top_ranking=ranking)
    values = np.random.default_rng(5).normal(-300.0, 50.0, 15)
    values[failed] = np.nan
    # values near -300 lose 1e-14 to the mean, and up to a hundredfold when they are subtracted
    np.testing.assert_allclose(subject.gradient(AT, values, D), plain_gradient(subject, values), rtol=1e-9, atol=1e-10)


def test_a_failed_twin_takes_its_partner_out():
    subject = algorithm(estimator="antithetic", reward_normalization="none")
    values = np.random.default_rng(5).normal(size=15)
    one, both = values.copy(), values.copy()
    one[4] = both[4] = both[5] = np.nan
    assert np.array_equal(subject.gradient(AT, one, D), subject.gradient(AT, both, D))
    assert not np.array_equal(subject.gradient(AT, one, D), subject.gradient(AT, values, D))


def test_failed_values_never_enter_as_numbers():
    # A failed unit must change nothing but the number of directions: compare with an estimate that never had it.
    subject = algorithm(reward_normalization="none")
    values = np.random.default_rng(5).normal(size=15)
    values[[2, 9]] = np.nan
    g, pivot = directions(subject, AT, 10), values[10:].mean()
    kept = [i for i in range(10) if i not in (2, 9)]
    expected = sum((values[i] - pivot) * g[i] for i in kept) / (8 * 0.5)
    np.testing.assert_allclose(subject.gradient(AT, values, D), expected, rtol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_gradient_when_every_direction_failed(estimator):
    values = np.full(15, -1.0)
    values[0:10:2] = np.nan
    alone = algorithm(estimator=estimator)
    assert (alone.gradient(AT, values, D) is None) == (estimator == "antithetic")  # one of each pair is all it takes
    values[:10] = np.nan
    assert alone.gradient(AT, values, D) is None


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_a_pivot_only_forward_differences_give_up(estimator):
    values = np.random.default_rng(5).normal(size=15)
    values[10:] = np.nan
    found = algorithm(estimator=estimator).gradient(AT, values, D)
    assert (found is None) == (estimator == "forward_fd")


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_equal_values_give_a_zero_gradient(estimator, kind):
    gradient = algorithm(estimator=estimator, reward_normalization=kind).gradient(AT, np.full(15, -324.61), D)
    assert np.array_equal(gradient, np.zeros(D))


def test_top_directions_are_the_best_ranked():
    values = np.zeros(15)
    values[:10] = [0.1, -5.0, 0.2, 4.0, 3.0, 0.3, 0.4, -0.1, -0.2, -0.3]
    g = directions(algorithm(), AT, 10)
    for ranking, best in (("difference", (1, 3, 4)), ("max", (3, 4, 6))):
        subject = algorithm(reward_normalization="none", top_directions=3, top_ranking=ranking)
        expected = sum(values[i] * g[i] for i in best) / (3 * 0.5)
        np.testing.assert_allclose(subject.gradient(AT, values, D), expected, rtol=1e-12)


@pytest.mark.parametrize("ranking, best", [("max", (0, 3)), ("difference", (1, 3))])
def test_top_pairs_are_ranked_by_their_better_half_or_by_their_difference(ranking, best):
    subject = algorithm(estimator="antithetic", reward_normalization="none", top_directions=2, top_ranking=ranking)
    pairs = np.array([[5.0, 4.9], [1.0, -9.0], [2.0, 2.1], [-3.0, 6.0], [0.0, 0.5]])
    g = directions(subject, AT, 5)
    expected = sum((pairs[i, 0] - pairs[i, 1]) / 2 * g[i] for i in best) / (2 * 0.5)
    np.testing.assert_allclose(
        subject.gradient(AT, np.concatenate([pairs.ravel(), np.ones(5)]), D), expected, rtol=1e-12
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_mean_gradient_is_that_of_the_smoothed_quadratic(estimator):
    slope, curvature = np.array([1.0, -2.0, 0.5]), np.array([[2.0, 0.3, -0.5], [0.3, -1.0, 0.2], [-0.5, 0.2, 0.5]])
    subject = algorithm(estimator=estimator, reward_normalization="none", perturbations=40)
    gradients = []
    for iteration in range(1000):
        at = Round(Phase.TRAIN, iteration)
        x = subject.points(THETA, at, range(45))
        values = 2.0 + slope @ x + np.einsum("ib,ij,jb->b", x, curvature, x) / 2
        gradients.append(subject.gradient(at, values, D))
    assert near(np.array(gradients), slope + curvature @ THETA)
    assert not near(np.array(gradients), slope)


def test_a_gradient_by_directions_of_an_active_subspace_is_right_in_the_mean():
    slope, subspace = np.array([1.0, -2.0, 0.5]), Subspace(np.eye(3)[:, :1], np.ones(1), 0.7)
    settings = dict(perturbations=4, estimator="antithetic", directions="active_subspace", current_evaluations=1)
    subject = algorithm(**settings, reward_normalization="none").probe.perturbations
    found = []
    for t in range(4000):
        at = Round(Phase.TRAIN, t)
        x = subject.points(np.zeros((3, 4)), np.arange(4), at, np.zeros(4, dtype=int), subspace)
        found.append(subject.gradient(np.arange(2), (slope @ x).reshape(2, 2), None, 3, at, 0, subspace))
    assert near(np.array(found), slope)

"""adaptation.reuse_radius: later steps regress on earlier evaluations too, against a regression written out by hand."""

import itertools

import numpy as np
import pytest
from driving import Again, Normals, hills, run
from helpers import operator, same

D, U, T = 5, 2, 3
QUERIES, SIGMA, STEP, REGULARIZATION = 6, 0.5, 0.1, 0.7
RNG = np.random.default_rng(41)
THETA, REWARD = RNG.normal(size=(D, U, T)), hills(RNG.normal(size=(D, U, T)))


def subject(**changes):
    settings = dict(
        queries=QUERIES,
        sigma=SIGMA,
        step_size=STEP,
        steps=3,
        decoder="ridge",
        decoder_options={"regularization": REGULARIZATION},
        reuse_radius=1.2,
    )
    return operator(**{**settings, **changes})


def ridge(rows, differences):
    """min |A x - b|^2 + lambda |x|^2, where rows (m, d) are directions: as least squares with further rows."""
    matrix = np.vstack([rows, np.sqrt(REGULARIZATION) * np.eye(D)])
    return np.linalg.lstsq(matrix, np.concatenate([differences, np.zeros(D)]), rcond=None)[0]


def by_hand(theta, directions, rewards, kind, radius, twins=False):
    """Adapted theta (d,) from the directions (d, m) and rewards (Q + 1,) of each step; also how many rows were old."""
    old, reused = [], 0
    for g, values in zip(directions, rewards, strict=True):
        pivot = values[-1]
        scale = {"standardize": values.std(), "ars": values[:-1].std(), "none": 1.0}[kind]
        steps = [s * SIGMA * g[:, i] for i in range(g.shape[1]) for s in ((1, -1) if twins else (1,))]
        if twins:
            differences = (values[:-1:2] - values[1:-1:2]) / 2
        else:
            differences = values[:-1] - pivot
        rows, measured = list(g.T), list(differences / SIGMA / scale)
        for point, value in old:
            distance = np.linalg.norm(point - theta)
            if 0 < distance <= radius * SIGMA * np.sqrt(D):
                rows.append((point - theta) / SIGMA)
                measured.append((value - pivot) / SIGMA / scale)  # in the unit of this step, against its pivot
                reused += 1
        old += [*((theta + step, value) for step, value in zip(steps, values[:-1], strict=True)), (theta, pivot)]
        theta = theta + STEP * ridge(np.array(rows), np.array(measured))
    return theta, reused


@pytest.mark.parametrize(
    "estimator, kind",
    [("forward_fd", "standardize"), ("forward_fd", "ars"), ("forward_fd", "none"), ("antithetic", "standardize")],
)
@pytest.mark.parametrize("radius", [0.6, 1.2, 100.0])
def test_later_gradients_are_ridge_over_fresh_rows_and_old_ones_within_the_radius(estimator, kind, radius):
    normals = Normals((D, U, T))
    found, _, answers = run(
        subject(reward_normalization=kind, estimator=estimator, reuse_radius=radius).adapt(THETA, normals), REWARD
    )
    total = 0
    for u, t in itertools.product(range(U), range(T)):
        expected, reused = by_hand(
            THETA[:, u, t],
            [drawn[:, u, t] for drawn in normals.drawn],
            [rewards[u, t] for rewards in answers],
            kind,
            radius,
            estimator == "antithetic",
        )
        np.testing.assert_allclose(found[:, u, t], expected, rtol=1e-9)
        total += reused
    most = U * T * (QUERIES + 1) * (1 + 2)  # all of the first step in the second, both in the third
    assert total == most if radius == 100 else 0 < total < most


def test_a_radius_that_reaches_nothing_is_no_reuse():
    none, tiny, all_of_them = (
        run(subject(reuse_radius=radius).adapt(THETA, Normals((D, U, T))), REWARD)[0] for radius in (0.0, 1e-9, 100.0)
    )
    assert same(none, tiny) and not np.any(none == all_of_them)


def test_the_first_step_has_nothing_to_reuse():
    reused, fresh = (
        run(subject(steps=1, reuse_radius=radius).adapt(THETA, Normals((D, U, T))), REWARD)[0] for radius in (100.0, 0)
    )
    assert same(reused, fresh)


@pytest.mark.parametrize("decoder, options", [("ridge", {}), ("lasso", {"regularization": 0.2}), ("lp", {})])
def test_units_and_tasks_have_archives_of_their_own(decoder, options):
    which, normals = subject(decoder=decoder, decoder_options=options), Normals((D, U, T))
    whole, _, answers = run(which.adapt(THETA, normals), REWARD)
    for u, t in itertools.product(range(U), range(T)):
        mine = iter([rewards[u : u + 1, t : t + 1] for rewards in answers])
        alone, _, _ = run(
            which.adapt(THETA[:, u : u + 1, t : t + 1].copy(), Again(normals, u, t)), lambda _, mine=mine: next(mine)
        )
        assert same(alone[:, 0, 0], whole[:, u, t])


def test_an_operator_can_be_used_again_and_remembers_nothing():
    which = subject()
    first, second = (run(which.adapt(THETA, Normals((D, U, T))), REWARD)[0] for _ in range(2))
    assert same(first, second)


def test_a_step_without_a_signal_stays_where_it_is_and_the_next_one_reuses_it():
    def reward(points):
        """Flat in the first step, then a slope along the first parameter."""
        reward.calls += 1
        return np.full(points.shape[1:], -324.61) if reward.calls == 1 else points[0] * 1.0

    reward.calls = 0
    normals = Normals((D, U, T))
    found, batches, answers = run(subject(steps=2).adapt(THETA, normals), reward)
    assert same(batches[1][..., -1], THETA)
    expected, reused = by_hand(
        THETA[:, 0, 0],
        [drawn[:, 0, 0] for drawn in normals.drawn[1:]],
        [answers[1][0, 0]],
        "standardize",
        0.0,
    )
    assert reused == 0 and np.isfinite(found).all()
    assert not np.allclose(found[:, 0, 0], expected)  # the flat rewards are rows of the second regression


def test_a_flat_step_after_another_learns_nothing_from_the_archive():
    """Its rewards have no unit, so that rows of earlier steps are those of no change."""
    rewards = iter([lambda points: points[0] * 1.0, lambda points: np.full(points.shape[1:], -324.61)])
    flat = subject(steps=2, reuse_radius=100.0)
    adapted, batches, _ = run(flat.adapt(THETA, Normals((D, U, T))), lambda points: next(rewards)(points))
    assert same(adapted, batches[1][..., -1])

"""Earlier evaluations as further rows."""

import numpy as np
import pytest

from esmaml_mpi.decoders.archive import Archive
from esmaml_mpi.decoders.ridge import Ridge

RNG = np.random.default_rng(11)


def test_rows_are_directions_and_differences_seen_from_theta():
    points, theta = RNG.standard_normal((3, 5)), np.array([0.1, -0.2, 0.3])
    rewards = np.arange(5.0)
    archive = Archive(3, 8)
    archive.add(points, rewards)
    directions, differences = archive.near(theta, 2.0, 0.5, 100.0)
    np.testing.assert_allclose(theta[:, None] + 0.5 * directions, points, atol=1e-15)
    np.testing.assert_allclose(2.0 + 0.5 * differences, rewards, atol=1e-15)


def test_only_points_within_the_radius_count_and_theta_itself_does_not():
    archive = Archive(4, 8)
    sigma, theta = 0.5, np.ones(4)
    steps = np.array([0.0, 0.9, 1.0, 1.1])  # in units of sigma sqrt(d) = 1
    archive.add(theta[:, None] + np.outer([0.0, 0.0, 0.0, 1.0], steps), steps)
    _, differences = archive.near(theta, 0.0, sigma, 1.0)
    np.testing.assert_allclose(differences, [1.8, 2.0])
    assert archive.near(theta, 0.0, sigma, 0.5)[0].shape == (4, 0)


@pytest.mark.parametrize("batches", [[3, 3, 3], [1] * 9, [9], [20, 2], [2, 20]])
def test_the_oldest_make_room(batches):
    archive, start = Archive(1, 4), 0
    for size in batches:
        values = np.arange(start, start + size, dtype=float)
        archive.add(values[None] + 1, values)
        start += size
    assert len(archive) == 4
    directions, differences = archive.near(np.zeros(1), 0.0, 1.0, np.inf)
    assert np.array_equal(differences, np.arange(start - 4, start))  # oldest first
    assert np.array_equal(directions[0], differences + 1)


def test_nothing_kept_gives_no_rows():
    directions, differences = Archive(3, 4).near(np.zeros(3), 0.0, 1.0, 1.0)
    assert directions.shape == (3, 0) and differences.shape == (0,)


def test_rows_of_an_earlier_step_improve_a_regression():
    gradient, theta, sigma, errors = np.linspace(1, 2, 20), np.zeros(20), 0.1, []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        archive = Archive(20, 30)
        before = theta[:, None] + 0.05 + sigma * rng.standard_normal((20, 15))
        archive.add(before, gradient @ before)
        directions = rng.standard_normal((20, 15))
        rows, differences = archive.near(theta, 0.0, sigma, 2.0)
        assert rows.shape == (20, 15)
        alone = Ridge().decode(directions, gradient @ directions)
        both = Ridge().decode(np.hstack([directions, rows]), np.concatenate([gradient @ directions, differences]))
        errors.append([np.linalg.norm(alone - gradient), np.linalg.norm(both - gradient)])
    alone, both = np.mean(errors, axis=0)
    assert both < alone / 3

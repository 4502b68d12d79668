"""Normals whose tails are made again: NumPy's numbers, and its place in the stream, whatever the logarithm."""

import numpy as np
import pytest
from scipy import stats

from esmaml_mpi.native import door, normals, tails
from esmaml_mpi.native.tails import START, Generator
from esmaml_mpi.reproducibility.randomness import SETUP, Purpose, Streams


def philox(key):
    return np.random.Philox(key=key)


def numpys(key):
    return np.random.Generator(philox(key))


def test_numbers_and_streams_are_numpys():
    count = 0
    for key in range(40):
        theirs, ours = numpys(key), Generator(philox(key))
        expected = theirs.standard_normal((50, 100))
        found = ours.standard_normal((50, 100))
        count += (np.abs(expected) > START).sum()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
        assert np.array_equal(found[np.abs(found) <= START], expected[np.abs(expected) <= START])
        assert ours.random() == theirs.random()
    assert count > 30


def test_one_at_a_time_gives_the_same_numbers():
    key = next(key for key in range(100) if np.abs(numpys(key).standard_normal(2000)).max() > START)
    one, all_ = Generator(philox(key)), Generator(philox(key)).standard_normal(2000)
    assert [one.standard_normal() for _ in range(2000)] == all_.tolist()


def test_streams_are_made_of_them():
    streams, out = Streams(3), np.empty(30_000)
    generator = streams.generator(Purpose.ADAPTATION, SETUP, unit=7)
    assert isinstance(generator, Generator)
    expected = generator.standard_normal(30_000)
    for name in door.names():
        with door.using(name):
            streams.fill_normals(out, Purpose.ADAPTATION, SETUP, unit=7)
        assert np.array_equal(out, expected) and np.abs(out).max() > START


def test_the_kernel_makes_the_same_tails():
    """Those of millions of numbers."""
    found, key = np.empty((3, 1, 1_000_000)), np.arange(5, 11, dtype=np.uint64)
    normals.fill(found, key.tobytes())
    assert np.array_equal(found, normals.generator(key).standard_normal(found.shape))
    assert np.count_nonzero(np.abs(found) > START) > 500


def test_a_numpy_whose_numbers_are_others_keeps_them(monkeypatch):
    theirs = numpys(1).standard_normal(30_000)
    assert np.abs(theirs).max() > START
    monkeypatch.setattr(tails, "_tail", lambda generator: 4.0)
    assert np.array_equal(Generator(philox(1)).standard_normal(30_000), theirs)


def test_a_logarithm_that_is_off_in_its_last_bits_makes_no_difference():
    """What a C library of another processor does to NumPy's numbers."""

    class Other(np.random.Generator):
        def standard_normal(self, size=None, dtype=np.float64, out=None):
            found = super().standard_normal(size, dtype, out)
            return np.where(np.abs(found) > START, np.nextafter(found, 9.0), found) if out is None else found

    expected = Generator(philox(2)).standard_normal(30_000)
    off = Other(philox(2)).standard_normal(30_000)
    assert not np.array_equal(off, expected)
    tails.correct_tails(off, lambda: numpys(2))
    assert np.array_equal(off, expected)


@pytest.mark.parametrize("degrees", [1, 2, 3, 64])
def test_chi_squared_numbers_have_their_distribution(degrees):
    found = Generator(philox(degrees)).chisquare(degrees, 20_000)
    assert found.shape == (20_000,) and stats.kstest(found, stats.chi2(degrees).cdf).pvalue > 0.01


def test_uniform_numbers_are_numpys():
    cases = (), (-1.0, 2.0), (0.0, [1.0, 3.0]), (-0.1, 0.1, (4, 5)), ([0.1, 0.0], [5.0, 1.0])
    for key, arguments in enumerate(cases):
        found, expected = (each.uniform(*arguments) for each in (Generator(philox(key)), numpys(key)))
        np.testing.assert_allclose(found, expected, rtol=1e-15)
        assert np.shape(found) == np.shape(expected) and type(found) is type(expected)
    assert Generator(philox(1)).uniform(size=3).shape == (3,)

"""Normals of the kernel against NumPy's: the same bits from every stream."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esmaml_mpi.native import door, normals

pytestmark = pytest.mark.skipif(door.names() == [door.NUMPY], reason=f"no compiled kernels: {door.missing()}")
WORD = st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
KEYS = st.lists(WORD, min_size=normals.WORDS, max_size=normals.WORDS)


def same_normals(words, count):
    """Of streams with keys (K, WORDS), in an array of their own and in columns of a larger one, of which nothing else
    is written.
    """
    keys = np.array(words, dtype=np.uint64).reshape(-1, normals.WORDS)
    expected = np.stack([normals.generator(key).standard_normal((3, count)) for key in keys], axis=1)
    whole, part = np.full(expected.shape, np.nan), np.full((3, len(keys), count + 4), np.nan)
    normals.fill(whole, keys.tobytes())
    normals.fill(part[:, :, 1 : count + 1], keys.tobytes())
    for found in (whole, np.ascontiguousarray(part[:, :, 1 : count + 1])):
        assert np.array_equal(found.view(np.uint64), expected.view(np.uint64))
    assert np.isnan(np.delete(part, slice(1, count + 1), axis=2)).all()
    return expected


def test_the_kernel_is_in_use():
    """NumPy is as it is known; without this, the others would compare it with itself."""
    assert normals._learnt()


@settings(max_examples=200, deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=3), st.sampled_from([0, 1, 3, 21, 22, 63, 64, 65, 1000]))
def test_every_key(keys, count):
    same_normals(keys, count)


def test_millions_and_among_them_those_of_the_tail():
    drawn = same_normals([2026, 5, 0, 7, 0, 1], 1_000_000)
    assert np.count_nonzero(np.abs(drawn) > 3.6541528853610088) > 500  # beyond the lowest layer, 0.00026 of all


def test_numpy_fills_where_its_ziggurat_is_unknown(monkeypatch):
    monkeypatch.setattr(normals, "_learnt", lambda: None)
    same_normals([[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]], 200)


def test_a_function_that_draws_otherwise_is_not_learnt():
    draw = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)
    constant = draw(lambda source: 0.5)  # and asks for no word
    assert door.layers(ctypes.cast(constant, ctypes.c_void_p).value) is None


def test_wrong_arguments_are_refused():
    layers, address = normals._learnt()
    keys = bytes(8 * normals.WORDS)
    with pytest.raises(ValueError, match="layers"):
        door.normals(layers[:-8], address, np.empty((1, 1, 3)), keys)
    with pytest.raises(TypeError, match="out"):
        door.normals(layers, address, np.empty((1, 1, 3), dtype=np.float32), keys)
    for out in (np.empty(3), np.empty((3, 1, 4)).T, np.empty((3, 1, 8))[..., ::2]):
        with pytest.raises(ValueError, match="out: an array"):
            door.normals(layers, address, out, keys)
    with pytest.raises(ValueError, match="keys"):
        door.normals(layers, address, np.empty((1, 2, 3)), keys)

"""The inverse normal distribution function against SciPy's."""

import numpy as np
import pytest
from scipy.special import ndtri

from esmaml_mpi.directions.inverse_normal import inverse_normal


def test_it_is_scipys_but_for_rounding():
    ends = np.geomspace(1e-10, 0.5, 20_000)
    p = np.concatenate([np.random.default_rng(0).uniform(0.001, 0.999, 100_000), ends, 1 - ends[1:]])
    np.testing.assert_allclose(inverse_normal(p), ndtri(p), rtol=1e-14, atol=1e-15)
    assert np.array_equal(inverse_normal(1 - ends[1:]), -inverse_normal(1 - (1 - ends[1:])))


@pytest.mark.parametrize("p", [0.0, 1.0, 1e-12, np.nan])
def test_the_far_ends_are_refused(p):
    with pytest.raises(ValueError, match="1e-10"):
        inverse_normal(np.array([0.5, p]))

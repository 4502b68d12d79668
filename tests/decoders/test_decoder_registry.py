"""Names, options and refusals; SciPy stays out of processes that do not decode."""

import subprocess
import sys

import numpy as np
import pytest

from esmaml_mpi import decoders
from esmaml_mpi.decoders import DECODERS, check_rows, make_decoder
from esmaml_mpi.errors import ConfigError


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("dimension, count", [(3, 30), (30, 3)])
def test_every_decoder_gives_a_finite_gradient_and_leaves_its_input_alone(name, dimension, count):
    rng = np.random.default_rng(0)
    directions, differences = rng.standard_normal((dimension, count)), rng.standard_normal(count)
    before = directions.copy(), differences.copy()
    decoder = make_decoder(name)
    found = decoder.decode(directions, differences)
    assert found.shape == (dimension,) and found.dtype == np.float64 and np.isfinite(found).all()
    assert np.array_equal(directions, before[0]) and np.array_equal(differences, before[1])
    # a view with other strides is the same problem, and must give the same bits
    wide = np.empty((dimension, 2 * count))
    wide[:, ::2] = directions
    assert np.array_equal(decoder.decode(wide[:, ::2], differences), found)


def test_names_and_options_are_checked():
    assert make_decoder("ridge", {"regularization": 3}).regularization == 3.0
    with pytest.raises(ConfigError, match="Did you mean 'ridge'"):
        make_decoder("rigde")
    with pytest.raises(ConfigError, match=r"adaptation\.decoder_options\.regularization = 0"):
        make_decoder("ridge", {"regularization": 0}, "adaptation.decoder_options")
    with pytest.raises(ConfigError, match="regularization = 1"):
        make_decoder("lasso", {"regularization": 1})


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(decoders, "find_spec", lambda name: None)
    assert make_decoder("ridge")
    with pytest.raises(ConfigError, match="'lp' needs scipy"):
        make_decoder("lp")


def test_too_few_rows_are_refused_with_their_numbers():
    lp = make_decoder("lp")
    check_rows(lp, 7, 6)
    with pytest.raises(ConfigError, match="6 rows for a policy of 6 parameters: at least 7"):
        check_rows(lp, 6, 6)
    with pytest.raises(ConfigError, match="at least 8"):
        check_rows(make_decoder("lp", {"intercept": True}), 7, 6)
    for name in ("average", "ridge", "lasso"):
        check_rows(make_decoder(name), 1, 1000)


def test_making_every_decoder_does_not_import_scipy():
    program = (
        "import sys; from esmaml_mpi.decoders import DECODERS, make_decoder; "
        "[make_decoder(name) for name in DECODERS]; sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0

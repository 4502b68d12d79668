"""Environments that are unusual and right: limits of their own, other types, others beside them."""

import gymnasium
import numpy as np
import pytest
from helpers import same
from own_episodes import looped, simulated
from own_things import family_of

from esmaml_mpi.config.config import Config


def test_an_own_step_limit_below_the_horizon_is_said(capsys):
    family = family_of("limited", horizon=None)
    assert family.horizon == 8 and family.model_warnings == []
    task = {"name": "gymnasium", "horizon": 20, "options": {"environment": "own_things:limited"}}
    Config.from_dict({"task": task}).resolved()
    assert "ends its episodes after 8 steps by a limit of its own, and task.horizon = 20" in capsys.readouterr().err
    assert simulated(family_of("limited")).lengths.tolist() == [8] * 9 and family_of("limited").remarks == []
    hidden = family_of("Truncates")
    assert hidden.remarks == []
    simulated(hidden)
    ((_, said),) = hidden.remarks
    assert "truncated an episode itself, after 8 steps, and task.horizon = 20" in said
    exact = family_of("Truncates", horizon=8)
    simulated(exact)
    assert exact.remarks == []


@pytest.mark.parametrize("dtype", ["float64", "float32", "float128", "object", "float16"])
def test_arrays_that_are_used_again_and_numbers_of_other_types_are_read_as_they_were(dtype):
    if dtype != "object" and not hasattr(np, dtype):
        pytest.skip(f"no {dtype} here")
    found = simulated(family_of("Gives", arguments={"dtype": dtype}), size=3)
    assert found.returns == pytest.approx(looped(family_of("Gives", arguments={"dtype": dtype}), 3), rel=1e-6)
    exact = {"float64", "float128", "object"}
    sums = simulated(family_of("Reach"), size=3).observation_sums
    assert np.allclose(found.observation_sums, sums, rtol=1e-12 if dtype in exact else 1e-1, atol=1e-2)


def test_a_vector_of_the_package_is_not_disturbed():
    """``start`` leaves episodes alone that all run."""
    envs = gymnasium.make_vec("esmaml_mpi.environments:esmaml/FourCorners-v0", num_envs=2)
    one = gymnasium.make("esmaml_mpi.environments:esmaml/FourCorners-v0", task=0)
    assert same(envs.reset(seed=1)[0][0], one.reset(seed=1)[0])

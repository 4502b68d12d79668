"""The operator that does not adapt."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from esmaml_mpi import train
from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.none import NoAdaptation
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import ConfigError

FOUR_CORNERS = Path(__file__).parents[2] / "configs" / "four_corners.toml"
SMALL = ["policy.hidden=[3]", "meta.perturbations=6", "meta.current_evaluations=2", "meta.iterations=3"]


def test_nothing_is_asked_and_theta_is_kept():
    theta = np.arange(24.0).reshape(4, 2, 3)
    with pytest.raises(StopIteration) as end:
        next(NoAdaptation().adapt(theta))
    assert end.value.value is theta


def test_a_session_is_done_before_it_begins():
    theta = np.array([1.0, -2.0])
    session = Adaptation(NoAdaptation(), theta)
    assert session.done and session.total == 0
    assert np.array_equal(session.best, theta)


def test_training_is_as_of_an_adaptation_that_does_not_move(tmp_path):
    same = [*SMALL, "policy.normalize_observations=false"]  # which would know of the queries
    still = ["adaptation.operator=es_gradient", "adaptation.queries=2", "adaptation.step_size=0"]
    found = {}
    for name, settings in {"none": ["adaptation.operator=none"], "still": still}.items():
        train(FOUR_CORNERS, [*same, *settings], tmp_path / f"{name}.h5")
        with h5py.File(tmp_path / f"{name}.h5") as file:
            found[name] = {key: file[key][()] for key in ("checkpoint/theta", "train/values", "train/rollouts")}
    for key in ("train/values", "checkpoint/theta"):
        assert np.array_equal(found["none"][key], found["still"][key])
    assert found["none"]["train/rollouts"].tolist() == [8 * 4] * 3


def test_settings_of_a_search_are_refused():
    with pytest.raises(ConfigError, match=r"adaptation\.share_rollouts = True.*leave it out"):
        load({"adaptation": {"operator": "none", "share_rollouts": True}})

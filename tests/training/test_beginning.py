"""A run that begins with the parameters of another."""

import numpy as np
import pytest
from helpers import assert_same_run

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.errors import ConfigError, ResultsError, UsageError
from esmaml_mpi.observations.statistics import ObservationStatistics

SETTINGS = {
    "policy": {"hidden": []},
    "task": {"name": "navigation_2d", "horizon": 10, "train_size": 2, "batch_size": 2, "test_size": 2},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 5, "perturbations": 4, "current_evaluations": 2},
    "test": {"every": 2, "repeats": 2},
}
TOML = """
policy.hidden = []
task = { name = "navigation_2d", horizon = 10, train_size = 2, batch_size = 2, test_size = 2 }
adaptation.queries = 2
meta = { iterations = 2, perturbations = 4, current_evaluations = 2, step_size = 0.001 }
test = { every = 2, repeats = 2 }
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    path = tmp_path_factory.mktemp("begin") / "old.h5"
    return esmaml_mpi.train(SETTINGS, output=path, quiet=True)


@pytest.mark.parametrize(("at", "iteration"), [("", 5), (":last", 5), (":2", 2), (":best", None)])
def test_parameters_and_statistics_are_taken_along(old, at, iteration):
    tests = old.history["test"]
    best = int(tests["iteration"][tests["after"].mean(axis=(1, 2)).argmax()])
    iteration = best if iteration is None else iteration
    new = esmaml_mpi.train(SETTINGS, ["meta.iterations=1"], start_from=f"{old.path}{at}", quiet=True)
    _, theta, mean, std = old.parameters(iteration)
    np.testing.assert_array_equal(new.history["parameters"]["value"][0], theta)
    np.testing.assert_allclose(new.history["normalization"]["mean"][0], mean, rtol=1e-14)
    np.testing.assert_allclose(new.history["normalization"]["std"][0], std, rtol=1e-14)
    row = old.history["parameters"]["iteration"].tolist().index(iteration)
    assert new.history["normalization"]["count"][0] == old.history["normalization"]["count"][row]


def test_of_a_run_that_normalised_nothing_the_last_statistics_count_alone(tmp_path):
    raw = esmaml_mpi.train(SETTINGS, ["policy.normalize_observations=false"], output=tmp_path / "raw.h5", quiet=True)
    begun = {
        at: esmaml_mpi.train(SETTINGS, ["meta.iterations=0"], start_from=f"{raw.path}{at}", quiet=True)
        for at in ("", ":last", ":5", ":2")
    }
    kept = raw.checkpoint["statistics"]
    for at in ("", ":last", ":5"):
        found = begun[at].checkpoint["statistics"]
        assert found["count"] == kept["count"] > 0 and np.array_equal(found["sums"], kept["sums"])
    assert begun[":2"].checkpoint["statistics"]["count"] == 0


def test_the_command_says_in_provenance_where_they_are_from_and_resumes(old, tmp_path, capsys):
    config, output = tmp_path / "config.toml", tmp_path / "new.h5"
    config.write_text(TOML)
    assert main(["train", str(config), "--output", str(output), "--from", f"{old.path}:2"]) == 0
    assert f"begins with iteration 2 of {old.path}" in capsys.readouterr().out
    new = esmaml_mpi.read_results(output)
    assert (new.launches[0]["from_file"], new.launches[0]["from_iteration"]) == (str(old.path), "2")
    assert new.launches[0]["from_launch"] == old.launches[0]["launch_id"]
    assert main(["info", str(output)]) == 0 and "iteration 2 of" in capsys.readouterr().out
    again = ["train", str(config), "--set", "meta.iterations=4", "--output", str(output), "--resume"]
    assert main([*again, "--from", f"{old.path}:2"]) == 0
    at_once = esmaml_mpi.train(str(config), ["meta.iterations=4"], start_from=(old, 2), quiet=True)
    assert_same_run(esmaml_mpi.read_results(output), at_once)
    assert "from_file" in esmaml_mpi.read_results(output).launches[0]
    capsys.readouterr()
    assert main([*again, "--from", f"{old.path}:1"]) == 2
    assert f"from iteration 1 of {old.path}: it has begun from iteration 2" in capsys.readouterr().err
    assert main([*again, "--from", str(output)]) == 2 and "it has begun from" in capsys.readouterr().err


def test_a_run_that_has_begun_from_nothing_is_not_gone_on_with(old, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(old.path.read_bytes())
    with pytest.raises(UsageError, match="it has begun from nothing"):
        esmaml_mpi.train(SETTINGS, ["meta.iterations=6"], output=copy, resume=True, start_from=old.path)


def test_what_does_not_fit_is_said_in_words(old, tmp_path):
    with pytest.raises(ConfigError, match=r"6 parameters for 2 observations.*policy\.hidden: \[\] there, \[4\] here"):
        esmaml_mpi.train(SETTINGS, ["policy.hidden=[4]"], start_from=old)
    with pytest.raises(ResultsError, match="no parameters of iteration 3; it has 0 to 5"):
        esmaml_mpi.train(SETTINGS, start_from=f"{old.path}:3")
    with pytest.raises(UsageError, match="start from :worst: best, last or an iteration is wanted"):
        esmaml_mpi.train(SETTINGS, start_from=f"{old.path}:worst")
    with pytest.raises(ResultsError, match="does not exist"):
        esmaml_mpi.train(SETTINGS, output=tmp_path / "new.h5", start_from=tmp_path / "none.h5")
    assert not (tmp_path / "new.h5").exists()


def test_statistics_from_a_mean_and_a_deviation():
    random = np.random.default_rng(0)
    mean, std = random.normal(size=5) * [1e-9, 1.0, 1e6, 0.0, 3.0], np.array([1e-9, 2.0, 1e3, 1.0, 0.5])
    statistics = ObservationStatistics.from_moments(12345, mean, std)
    again, spread = statistics.mean_std()
    np.testing.assert_allclose(again, mean, rtol=1e-14)
    np.testing.assert_allclose(spread, std, rtol=1e-9)


def test_numbers_and_arrays_of_numpy_are_taken_in_configurations():
    plain = esmaml_mpi.load_config(SETTINGS, ["policy.hidden=[3, 2]", "meta.sigma=0.5", "run.seed=7"])
    numpy = {
        **SETTINGS,
        "policy": {"hidden": np.array([3, 2])},
        "meta": {**SETTINGS["meta"], "sigma": np.float64(0.5), "iterations": np.int32(5)},
        "run": {"seed": np.uint8(7)},
    }
    assert esmaml_mpi.load_config(numpy) == plain == esmaml_mpi.Config.from_dict(numpy)
    assert type(esmaml_mpi.load_config(numpy).run.seed) is int
    with pytest.raises(ConfigError, match=r"run\.seed = 0\.5: an integer is wanted"):
        esmaml_mpi.load_config({"run": {"seed": np.float64(0.5)}})

"""What an environment calls a success is reported beside returns: of any step of an episode, before and after."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import same, task_table
from own_environments import Reaches, family_of

import esmaml_mpi
from esmaml_mpi.errors import FamilyError
from esmaml_mpi.reports.summary import summarize
from esmaml_mpi.reports.text import in_lines
from esmaml_mpi.tasks.contract import checked_successes
from esmaml_mpi.tasks.workspace import Workspace
from esmaml_mpi.training.progress import Progress

REACHES = "own_environments:Reaches"
CONFIG = {
    "run": {"name": "reaches", "seed": 3},
    "task": {
        "name": "gymnasium",
        "horizon": 6,
        "train_size": 2,
        "batch_size": 2,
        "test_size": 4,
        "options": {"environment": REACHES, "vary_as": "attribute", "vary": {"goal": [9.0, -9.0, 0.4, 0.6, 1.5, 99.0]}},
    },
    "policy": {"hidden": []},
    "adaptation": {"operator": "hill_climbing", "queries": 4, "sigma": 0.5},
    "meta": {"iterations": 1, "perturbations": 4, "current_evaluations": 1, "estimator": "antithetic"},
    "test": {"repeats": 3, "every": 1},
}


def episodes(family, outputs, seeds):
    """Successes (B,) of episodes under outputs (T, 1, B)."""
    steps, _, batch = outputs.shape
    observations = np.empty((steps + 1, 2, batch))
    simulation = family.simulation(task_table(family, 1).repeat(batch, axis=1), seeds[None], Workspace())
    simulation.reset(observations[0])
    for t in range(steps):
        simulation.step(outputs[t].copy(), observations[t + 1])
    return simulation.successes


@pytest.mark.parametrize("name", ["success", "is_success"])
def test_an_episode_is_a_success_if_any_step_was(name):
    rng = np.random.default_rng(0)
    outputs, seeds = rng.uniform(-1.0, 1.0, (8, 1, 30)), np.arange(30.0)
    found = episodes(family_of(REACHES, arguments={"name": name}), outputs, seeds)
    wanted = []
    for b in range(30):
        env = Reaches()
        env.reset(seed=b)
        wanted.append(any(abs(env.step(outputs[t, :, b])[0][0] - 1.0) < 0.5 for t in range(8)))
    assert found.tolist() == wanted and 3 < sum(wanted) < 27


def test_an_instance_in_a_process_of_its_own_says_the_same():
    outputs, seeds = np.random.default_rng(1).uniform(-0.8, 1.0, (6, 1, 6)), np.arange(6.0)
    families = [family_of(REACHES, isolation=each) for each in ("none", "process")]
    found = [episodes(family, outputs, seeds) for family in families]
    assert found[0].tolist() == found[1].tolist() and len(set(found[0])) == 2


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_lanes_of_a_vector_environment_say_the_same_as_single_ones(mode):
    rng = np.random.default_rng(2)
    outputs, seeds = rng.uniform(-1.0, 1.0, (8, 1, 12)), np.arange(12.0)
    single = episodes(family_of("own_environments:EndingReaches"), outputs, seeds)
    several = episodes(family_of("own_environments:several", arguments={"mode": mode}), outputs, seeds)
    assert several.tolist() == single.tolist() and 1 < single.sum() < 11
    silent = family_of("own_environments:several", arguments={"mode": mode, "name": "other"})
    assert np.isnan(episodes(silent, outputs, seeds)).all()


def test_where_nothing_is_said_nothing_is_known():
    outputs, seeds = np.zeros((3, 1, 2)), np.zeros(2)
    assert np.isnan(episodes(family_of(REACHES, arguments={"name": "other"}), outputs, seeds)).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("success") / "reaches.h5"
    return path, esmaml_mpi.train(CONFIG, output=path)


def reached(meta, parameters, goal):
    """Whether such a policy reaches the goal in an episode as anyone would write it; x starts within 0.5 of 0."""
    told = []
    for seed in range(20):
        env = Reaches(goal)
        observation, _ = env.reset(seed=seed)
        said = []
        for _ in range(6):
            observation, _, _, _, info = env.step(np.clip(meta.act(parameters, observation), -1.0, 1.0))
            said.append(info["success"])
        told.append(any(said))
    return told


def test_tests_of_a_run_report_it_and_its_file_keeps_it(run):
    path, results = run
    test = esmaml_mpi.read_results(path).history["test"]
    for name in ("success_before", "success_after"):
        assert test[name].shape == (2, 4, 3) and same(test[name], results.history["test"][name])
        assert set(test[name].ravel()) == {0.0, 1.0}
        assert not test[name][:, 3].any()  # goal 99 is out of reach
    meta = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(path), "last")
    for task, goal in enumerate((0.4, 0.6, 1.5)):
        told = reached(meta, meta.theta, goal)
        if all(told) or not any(told):  # wherever it starts
            assert (test["success_before"][-1, task] == told[0]).all()


def test_evaluate_reports_it(run):
    path, _ = run
    command = [sys.executable, "-m", "esmaml_mpi", "evaluate", str(path), "--trust", "--repeats", "5"]
    options = dict(capture_output=True, text=True, cwd=Path(__file__).parent, check=True, timeout=60)
    told = json.loads(subprocess.run([*command, "--json", "-"], **options).stdout)
    assert np.shape(told["success_after"]) == np.shape(told["success_before"]) == np.shape(told["after"]) == (4, 5)
    assert np.mean(told["success_after"]) > 0 and not np.any(told["success_after"][3])
    lines = subprocess.run(command, **options).stdout.splitlines()
    assert lines[1].split() == ["task", "before", "after", "success", "before", "success", "after"]
    assert lines[-1].split()[10] == f"{np.mean(told['success_after']):.2f}"
    # From somewhere within 0.5 of 0 a single step of at most 0.5 comes to no more than 1.
    short = json.loads(subprocess.run([*command, "--set", "task.horizon=1", "--json", "-"], **options).stdout)
    assert not np.any(np.array(short["success_after"])[2:])


def test_info_and_the_progress_say_the_share(run, capsys):
    path, results = run
    share = results.history["test"]["success_after"][-1].mean()
    (last,) = (line for line in in_lines(summarize(esmaml_mpi.read_results(path))).splitlines() if " last " in line)
    assert last.endswith(f" -> {share:.1%}") and " success " in last
    progress = Progress(2, 0, interval=0.0)
    progress.tested(1, -3.0, -2.0, 0.25, 0.5)
    progress.update(1, -2.0, 0, 10)
    assert "test at 1: -3.0 -> -2.0 (success 25% -> 50%)" in capsys.readouterr().out


def test_families_that_report_none_have_none_and_a_wrong_one_is_told(tmp_path):
    test = esmaml_mpi.train({"meta": {"iterations": 0}, "test": {"repeats": 2}}).history["test"]
    assert np.isnan(test["success_after"]).all() and test["success_after"].shape == test["after"].shape

    class Family:
        name, reports_success = "mine", True

    class Simulation:
        successes = np.zeros(3)

    assert checked_successes(Family(), Simulation(), 3).dtype == np.float64
    with pytest.raises(FamilyError, match=r"mine.*successes of shape \(3,\); \(episodes,\) = \(2,\) is wanted"):
        checked_successes(Family(), Simulation(), 2)

"""The robot that is a process, and the meta-policy that is there to be adapted to it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.config.config import changed_keys
from esmaml_mpi.config.loading import load
from esmaml_mpi.trained.answers import answer

pytest.importorskip("mujoco")
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
META = EXAMPLES.parent / "esmaml_mpi" / "zoo" / "models" / "quadruped.h5"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
ANSWER = re.compile(r"-?[\d.]+  # walked -?[\d.]+ m in (3.00 s|all, fell after [\d.]+ s)")


@pytest.fixture
def session(tmp_path):
    with esmaml_mpi.Session.create(tmp_path / "a.h5", META, seed=2) as session:
        yield session


def robot(*arguments, **options):
    command = [sys.executable, EXAMPLES / "robot_process.py", *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_meta_policy_is_small_and_that_of_the_config():
    assert META.stat().st_size <= 200_000
    results = esmaml_mpi.read_results(META)
    assert not changed_keys(load(ROOT / "configs/quadruped.toml").resolved(), results.config)
    assert results.checkpoint["iteration"] == results.config.meta.iterations
    adaptation = results.config.adaptation
    assert (adaptation.operator, adaptation.scheme, adaptation.rollouts) == ("hill_climbing", "batch", 50)
    assert len(results.interface.observation_names) == 14 and len(results.interface.action_names) == 12


def test_it_answers_each_policy_with_a_reward(session, tmp_path):
    policy = tmp_path / "p.npz"
    session.write_trial(policy)
    first, second = robot("--body", "low_friction", "--seed", 5, input=f"{policy}\n{policy}\n")
    assert ANSWER.fullmatch(first) and ANSWER.fullmatch(second)
    assert answer(first).value != answer(second).value  # it is noisy
    assert robot("--body", "low_friction", "--seed", 5, policy) == [first]  # and its noise has a seed


def test_it_says_that_it_fell(tmp_path, session):
    policy, wild = tmp_path / "p.npz", tmp_path / "wild.npz"
    session.write_best(policy)
    arrays = dict(np.load(policy))
    # Left and right legs all the way to different sides, at full speed: it rolls over.
    arrays["biases_0"] = 50.0 * np.array([1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 0])
    arrays["weights_0"] = np.zeros((14, 12))
    np.savez(wild, **arrays)
    said = robot("--body", "mass_voltage", "--seed", 1, wild)[0]
    assert "fell after" in said and ANSWER.fullmatch(said)


def test_a_session_goes_through_both_ways_to_the_robot(session):
    session.close()
    command = f"{sys.executable} {EXAMPLES / 'robot_process.py'} --body mass_voltage --seed 1 {{policy}}"
    adapt = [sys.executable, "-m", "esmaml_mpi", "adapt", "--session", session.path, "--command", command]
    done = subprocess.run([*adapt, "--trials", "1"], env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 75, done.stderr
    script = [sys.executable, EXAMPLES / "adapt_robot.py", META, session.path, "--body", "mass_voltage"]
    with subprocess.Popen(
        script, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline().startswith("trial 2 of 50: ")
        os.killpg(process.pid, 9)
    with esmaml_mpi.Session.open(session.path) as again:
        assert again.trials >= 2 and all(trial.note.startswith("walked") for trial in again.history)

"""benchmarks/walked.py: the distance is that of the simulated robot, before and after its own adaptation."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco")
from esmaml_mpi.config.loading import load
from esmaml_mpi.config.makers import make_family, make_tasks
from esmaml_mpi.tasks.workspace import Workspace

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "quadruped.toml"
# The policy does nothing, so that neither sensors' noise nor normalisation matters.
CHANGES = ["meta.iterations=0", "policy.output_gain=0.0", "task.horizon=60", "task.options.reward_noise=5.0"]
CHANGES += ["adaptation.evaluations=2", "adaptation.queries=2", "adaptation.sigma=1.0", "test.every=0"]


def command(*words):
    done = subprocess.run(
        [sys.executable, *map(str, words)], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def metres_of_the_generator():
    """How far the four named tasks' robots come that no policy acts on, by their positions."""
    config = load(CONFIG, CHANGES)
    family = make_family("quadruped", 60, config.task.options)
    tasks = make_tasks(config, family, range(50, 54))
    noise = family.draw_noise(np.random.default_rng(0), 4)
    simulation = family.simulation(tasks, noise, Workspace())
    observation = np.empty((family.observation_size, 4))
    simulation.reset(observation)
    start = simulation.position[0].copy()
    for _ in range(60):
        simulation.step(np.zeros((family.action_size, 4)), observation)
    return simulation.position[0] - start


def test_metres_are_those_of_the_robot_whatever_its_rewards_are(tmp_path):
    results, found = tmp_path / "idle.h5", tmp_path / "walked.json"
    sets = [word for change in CHANGES for word in ("--set", change)]
    command("-m", "esmaml_mpi", "train", CONFIG, "--output", results, *sets)
    printed = command(ROOT / "benchmarks" / "walked.py", results, "--runs", 2, "--json", found)
    assert len(printed.splitlines()) == 4 and "low_friction" in printed
    metres = json.loads(found.read_text())["idle"]
    np.testing.assert_allclose(metres["before"], [metres_of_the_generator()] * 2, atol=1e-9)
    assert np.abs(np.subtract(metres["after"], metres["before"])).max() > 1e-3  # by steps of 1, something has moved

"""A memory task with a recurrent policy of a user's: the same bits on 1, 2 and 3 ranks, and those of a plain loop."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from files import differences
from helpers import unscaled
from mpirun import SMALL, run, train_arguments
from recurrent_policies import WithState

import esmaml_mpi
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.trials import RolloutSetup
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

pytestmark = pytest.mark.slow

SETTINGS = {
    **SMALL,
    "task.name": "t_maze",
    "task.options.length": 3,
    "policy.architecture": "recurrent_policies:WithState",
    "policy.hidden": "[]",
}
OWN = Path(__file__).parents[1] / "recurrent_policies.py"


def train(output, ranks=None):
    shutil.copy(OWN, output.parent)  # beside the configuration
    done = run(train_arguments(SETTINGS, output), ranks)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def test_the_same_bits_on_one_two_and_three_ranks(tmp_path):
    alone = train(tmp_path / "alone.h5")
    for ranks in (2, 3):
        assert differences(alone, train(tmp_path / f"{ranks}.h5", ranks)) == []
    results = esmaml_mpi.read_results(alone)
    assert np.isfinite(results.history["test"]["after"]).all()
    meta = esmaml_mpi.MetaPolicy(results, trust=True)
    bound = meta.bind(meta.theta)
    first, second = (bound.act([1.0, 0.0]) for _ in range(2))
    bound.reset()
    assert (first != second).all() and (bound.act([1.0, 0.0]) == first).all()


def test_units_are_scored_as_their_episodes_one_by_one():
    family, policy = make_family("t_maze", 9, {"length": 2}), WithState(2, 2)
    setup = RolloutSetup(policy, family, np.array([[1.0, -1.0]]), Streams(3))
    theta, at = np.random.default_rng(1).normal(0, 1.5, (policy.size, 40)), Round(Phase.TRAIN, 0)
    units = Units(at, np.tile([0, 1], (40, 1)), np.arange(40))
    operator = esmaml_mpi.load_config({}).adaptation
    found = Evaluator(setup, operator).rollouts(theta, units, unscaled(2), Purpose.AFTER_EPISODE)
    for u, t in np.ndindex(40, 2):
        cue = family.draw_noise(setup.streams.generator(Purpose.AFTER_EPISODE, at, unit=u, task=t, step=0), 1)
        seen = np.zeros((2, 2))
        simulation = family.simulation(np.full((1, 2), [1.0, -1.0][t]), np.repeat(cue, 2, axis=1), Workspace())
        simulation.reset(seen)
        bound = policy.bind(np.repeat(theta[:, u : u + 1], 2, axis=1), np.zeros(2), np.ones(2))
        steps = 0
        while simulation.running[0] and steps < 9:
            simulation.step(bound.act(seen.copy()), seen)
            steps += 1
        rewards, _ = simulation.rewards(np.zeros((steps + 1, 2, 2)), np.full((1, 2), [1.0, -1.0][t]))
        assert found.after[u, t] == rewards[:, 0].sum()
    assert {0.0, 1.0} == set(found.after.ravel())

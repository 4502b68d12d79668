"""A simulation that diverges fails its unit; those beside it, and the user's folder, see nothing of it."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
from helpers import operator, unscaled
from mujoco.batch import Batch, SimulationError
from played import assert_columns, walks

from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.units import Status, Units

CASES = {
    "walker": ("walker2d_goal_velocity", {"variant": "promp"}),
    "random walker": ("walker2d_random_parameters", {"variant": "oyster"}),
    "cheetah": ("half_cheetah_goal_velocity", {"variant": "promp"}),
    "swimmer": ("swimmer_goal_velocity", {"variant": "promp"}),
    "ant": ("ant_goal_position", {"variant": "promp"}),
}
BATCH, BAD = 7, 2
OTHERS = np.delete(np.arange(BATCH), BAD)


def healthy(case):
    name, options = CASES[case]
    return walks(name, np.full(BATCH, 0.3), 30, options)


def assert_only_one_failed(batch, before, lengths):
    after = batch.run()
    assert np.isnan(after.returns[BAD]) and after.lengths[BAD] in lengths
    assert_columns(batch.run(OTHERS), before, OTHERS)
    for name in ("returns", "lengths", "observation_sums"):
        assert np.array_equal(getattr(after, name)[..., OTHERS], getattr(before, name)[..., OTHERS])
    assert np.isfinite(before.returns).all()
    assert_columns(batch.run(slice(BAD, BAD + 1)), after, slice(BAD, BAD + 1))  # alone it fails the same way


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("velocity", [1e5, 1e11, np.inf, np.nan])
def test_a_wild_start_fails_alone(case, velocity):
    """Too fast for a step, too fast for MuJoCo, and no numbers at all."""
    batch = healthy(case)
    before = batch.run()
    batch.noise[-1, BAD] = velocity
    assert_only_one_failed(batch, before, [1])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("parameter", [np.nan, np.inf])
def test_actions_that_are_no_numbers_fail_alone(case, parameter):
    batch = healthy(case)
    before = batch.run()
    batch.theta[:, BAD] = parameter
    assert_only_one_failed(batch, before, range(1, 30))


@pytest.mark.parametrize("factor", [0.0, 1e200, np.inf, np.nan])
def test_an_impossible_body_fails_alone(factor):
    batch = healthy("random walker")
    before = batch.run()
    batch.tasks = batch.tasks.copy()
    batch.tasks[:, BAD] = factor
    assert_only_one_failed(batch, before, range(1, 30))


@pytest.mark.parametrize("case", ["swimmer", "walker"])
def test_an_error_of_mujoco_fails_its_simulation_in_that_step(case, monkeypatch):
    batch, step, calls = healthy(case), Batch.step, []
    before = batch.run()

    def breaks(self, ids=None, nstep=1, **more):
        step(self, ids, nstep, **more)
        calls.append(np.arange(self.nsim) if ids is None else ids)
        if len(calls) == 2:
            raise SimulationError(np.array([BAD]), "out of memory")

    monkeypatch.setattr(Batch, "step", breaks)
    after = batch.run()
    assert np.isnan(after.returns[BAD]) and after.lengths[BAD] == 2
    assert np.array_equal(after.returns[OTHERS], before.returns[OTHERS])
    assert np.array_equal(after.observation_sums[:, OTHERS], before.observation_sums[:, OTHERS])
    assert BAD in calls[1] and not any(BAD in ids for ids in calls[2:]) and len(calls) == before.lengths.max()


def test_an_error_of_mujoco_at_the_start_fails_its_simulation(monkeypatch):
    batch, forward = healthy("walker"), Batch.forward
    before = batch.run()

    def breaks(self, *arguments, **more):
        forward(self, *arguments, **more)
        raise SimulationError(np.array([BAD]), "out of memory")

    monkeypatch.setattr(Batch, "forward", breaks)
    after = batch.run()
    assert np.isnan(after.returns[BAD]) and after.lengths[BAD] == 1
    assert np.array_equal(after.returns[OTHERS], before.returns[OTHERS])


@pytest.mark.parametrize("case", ["cheetah", "walker"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_unit_that_diverges_is_marked_and_the_others_are_untouched(case, threads):
    setup = healthy(case).setup
    units = Units(Round(Phase.TRAIN, 3), np.tile([0, 1], (5, 1)), np.arange(5))
    points = np.random.default_rng(0).normal(0.0, 0.3, (setup.policy.size, 5))
    evaluator = Evaluator(setup, operator(queries=4), threads)
    observer = unscaled(setup.policy.observation_size)
    expected = evaluator.evaluate(points, units, observer)
    points[0, BAD] = np.nan
    found = evaluator.evaluate(points, units, observer)
    others = np.array([0, 1, 3, 4])
    assert found.tally.status.tolist() == [0, 0, Status.NOT_FINITE, 0, 0]
    assert np.all(found.tally.observation_sums[:, BAD] == 0)
    assert np.array_equal(found.after[others], expected.after[others])
    assert np.array_equal(found.tally.steps[others], expected.tally.steps[others])
    assert np.array_equal(found.tally.observation_sums[:, others], expected.tally.observation_sums[:, others])
    assert expected.tally.status.tolist() == 5 * [Status.OK]


# After which MuJoCo has warned of a model, of numbers that are none, and of a simulation that is unstable.
SCRIPT = """
import numpy as np
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.workspace import Workspace

family = make_family("half_cheetah_forward_backward", 3, {"variant": "promp"})
noise = np.zeros((family.noise_size, 3))
noise[-1, 1] = 1e5
simulation = family.simulation(np.ones((1, 3)), noise, Workspace())
observation = np.empty((17, 3))
simulation.reset(observation)
actions = np.zeros((6, 3))
actions[0, 0] = np.nan
simulation.step(actions, observation)
print(simulation.running.tolist(), len(family.model_warnings))
"""


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)


def test_mujoco_neither_prints_nor_leaves_its_log(tmp_path):
    done = run([sys.executable, "-c", SCRIPT], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[False, False, True] 1\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_handler_of_warnings_that_is_there_stays(tmp_path):
    lines = [
        "import mujoco",
        "heard = []",
        "mujoco.set_mju_user_warning(heard.append)",
        "from esmaml_mpi.tasks import make_family",
        "make_family('half_cheetah_forward_backward').model",
        "print(len(heard))",
    ]
    done = run([sys.executable, "-c", "\n".join(lines)], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_a_run_whose_policies_diverge_says_so_in_its_file_alone(tmp_path):
    settings = {
        "run.name": "wild",
        "task.name": "walker2d_forward_backward",
        "task.horizon": 20,
        "policy.hidden": [8],
        "policy.output": "identity",
        "meta.iterations": 1,
        "meta.perturbations": 12,
        "meta.current_evaluations": 3,
        "meta.sigma": 2e153,  # products of two layers overflow, some of them
        "meta.max_failed_fraction": 1.0,
        "adaptation.queries": 2,
        "test.every": 0,
    }
    (tmp_path / "empty.toml").write_text("")
    sets = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "esmaml_mpi", "train", "empty.toml", *sets, "--output", "wild.h5"]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "wild.h5") as file:
        failed = file["train/failed_units"][()]
    assert 0 < failed[0] < 12
    assert {path.name for path in tmp_path.iterdir()} == {"empty.toml", "wild.h5", "wild.h5.previous"}
    assert "Nan, Inf or huge" not in done.stdout + done.stderr

"""Task families that raise, lie about their sizes or give back nonsense: named, in one line, before training starts."""

import sys

import numpy as np
import pytest
from families import Broken
from helpers import rollout_setup, unscaled

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import TrainingError, UserError
from esmaml_mpi.reproducibility.randomness import Streams
from esmaml_mpi.rollouts.simulate import RolloutError, simulate
from esmaml_mpi.tasks import FAMILIES, make_family
from esmaml_mpi.tasks.contract import FamilyError, checked_noise, task_table
from esmaml_mpi.tasks.rehearsal import rehearse
from esmaml_mpi.tasks.workspace import Workspace

SMALL = {
    "task": {"name": "broken", "train_size": 3, "batch_size": 2, "test_size": 1, "horizon": 5},
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 1, "perturbations": 4, "current_evaluations": 3, "max_redraws": 0},
    "test": {"repeats": 1},
}
# Faults of every episode, and what the message says.
REFUSED = {
    "observations of three rows": "could not broadcast input array from shape (3,3) into shape (2,3)",
    "observations of one row": "rows [1] of the observations were not written",
    "observations returned": "rows [0, 1] of the observations were not written",
    "rewards of three dimensions": "rewards() gave rewards of shape (3, 3, 1); (steps, episodes) = (3, 3) is wanted",
    "rewards too short": "rewards() gave rewards of shape (2, 3); (steps, episodes) = (3, 3) is wanted",
    "one reward": "rewards() gave rewards of shape (); (steps, episodes) = (3, 3) is wanted",
    "rewards of text": "rewards() gave rewards of type <U4; real numbers are wanted",
    "rewards alone": "rewards() gave a ndarray; a pair (rewards, over) is wanted",
    "ends of numbers": "rewards() gave ends of type float64; true or false are wanted",
    "ends too short": "rewards() gave ends of shape (3,); (steps, episodes) = (3, 3) is wanted",
    "raise in reset": "no episode could be simulated: ValueError: on purpose (families.py, line ",
    "task parameters of changing size": "task_parameters(1) gave parameters of shape (3,); as for task 0 (2,)",
    "task parameters of two dimensions": "parameters of shape (2, 2); one dimension is wanted",
    "task parameters of text": "task_parameters(0) gave parameters of type <U5",
    "task parameters raise": "task_parameters(1) raised ValueError: on purpose",
    "noise of another shape": "draw_noise() gave noise of shape (3,); (noise_size, episodes) = (2, 3) is wanted",
    "noise raises": "no episode could be simulated: ValueError: on purpose",
}
# Registered under "broken", and what the message says.
UNLOADABLE = {
    "no_such_module:Family": "ModuleNotFoundError: No module named 'no_such_module'",
    "families:NoSuchClass": "has no attribute 'NoSuchClass'",
    "families": "families.py) has no attribute ''",
    "raises_on_import:Family": "RuntimeError: no GPU here",
    "exits_on_import:Family": "SystemExit: 3",
    "families:NoSizes": "its class NoSizes has no attribute 'observation_size'",
    "families:WrongSize": "observation_size = 2.0; an integer >= 1 is wanted",
    "families:Unmakeable": "cannot be made: FileNotFoundError: [Errno 2] No such file or directory: 'ant.xml'",
    "families:NoDataclass": "a dataclass is wanted, not <class 'families.NoDataclass'>",
    "families:a_function": "a dataclass is wanted, not <built-in function len>",
}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(FAMILIES, "broken", "families:Broken")


def said_by(capsys, tmp_path, *overrides: str) -> str:
    """What ``esmaml train`` says; it must be one line, and no file may be left."""
    config = tmp_path / "config.toml"
    config.write_text(load(SMALL).to_toml())
    sets = [word for override in overrides for word in ("--set", override)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("esmaml_mpi.parallel.world.World.abort", lambda self, code: None)
        assert cli.main(["train", str(config), "--output", str(tmp_path / "run.h5"), *sets]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and printed.err.startswith("esmaml: task family 'broken'")
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".h5"] == []
    return printed.err


@pytest.mark.parametrize("fault", REFUSED)
def test_faults_of_every_episode_are_found_before_training(fault, tmp_path, capsys):
    assert REFUSED[fault] in said_by(capsys, tmp_path, f"task.options.fault={fault}")


@pytest.mark.parametrize("entry", UNLOADABLE)
def test_families_that_cannot_be_loaded(entry, tmp_path, capsys, monkeypatch):
    (tmp_path / "raises_on_import.py").write_text("raise RuntimeError('no GPU\\nhere')")
    (tmp_path / "exits_on_import.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(FAMILIES, "broken", entry)
    assert UNLOADABLE[entry] in said_by(capsys, tmp_path)
    sys.modules.pop("raises_on_import", None)


@pytest.mark.parametrize("fault", ["not a number", "infinite", "raise"])
def test_faults_of_an_episode_fail_evaluations_and_are_counted(fault, capsys):
    with pytest.raises(TrainingError, match="7 of 7 evaluations failed"):
        esmaml_mpi.train(SMALL, [f"task.options.fault={fault}"])
    said = capsys.readouterr().out
    assert fault != "raise" or "broken raised ValueError: on purpose" in said


def test_a_family_without_a_fault_is_trained_and_every_registered_one_passes():
    assert esmaml_mpi.train(SMALL).history["train"]["failed_units"].tolist() == [0]
    for name in FAMILIES:
        assert rehearse(make_family(name)).warnings(name) == []


def test_shapes_are_checked_in_every_block_and_not_only_in_the_rehearsal():
    setup = rollout_setup("broken", options={"fault": "rewards too short"}, horizon=5)
    columns = np.zeros((setup.policy.size, 6)), np.repeat(setup.task_table[:, :1], 6, axis=1)
    with pytest.raises(FamilyError, match=r"'broken'.*rewards of shape \(4, 6\); .*\(5, 6\) is wanted"):
        simulate(setup.policy, setup.family, *columns, None, unscaled(2), Workspace())


def test_a_family_that_changes_its_observation_size_is_stopped():
    setup = rollout_setup("broken", options={"fault": "changing size"}, horizon=5)
    columns = np.zeros((setup.policy.size, 6)), np.repeat(setup.task_table[:, :1], 6, axis=1)
    with pytest.raises(FamilyError, match="observation_size was 2 and is now 3"):
        for _ in range(20):
            simulate(setup.policy, setup.family, *columns, None, unscaled(2), Workspace())


def test_an_exception_is_an_episodes_own(capsys):
    setup = rollout_setup("broken", options={"fault": "raise"}, horizon=5)
    columns = np.zeros((setup.policy.size, 6)), np.repeat(setup.task_table[:, :1], 6, axis=1)
    with pytest.raises(RolloutError, match="broken raised ValueError: on purpose"):
        simulate(setup.policy, setup.family, *columns, None, unscaled(2), Workspace())


def test_a_table_of_tasks_names_the_first_that_is_different():
    family, streams = Broken(fault="task parameters of changing size"), Streams(0)
    assert task_table(family, [0], lambda i: streams.generator(2, task=i)).shape == (2, 1)
    with pytest.raises(
        FamilyError, match=r"task_parameters\(2\) gave parameters of shape \(3,\); as for task 0 \(2,\)"
    ):
        task_table(family, [0, 2], lambda i: streams.generator(2, task=i))


@pytest.mark.parametrize("noise", [np.zeros((2, 1)), np.zeros(4), "noise", [[1, 2], [3]], np.zeros((2, 4), complex)])
def test_noise_is_not_stretched_to_fit(noise):
    with pytest.raises(FamilyError, match=r"draw_noise\(\) gave noise"):
        checked_noise(Broken(fault="noise of another shape"), noise, 4)


def test_an_error_in_the_users_option_is_still_theirs():
    with pytest.raises(UserError, match=r"task\.options\.fault = 'x'"):
        make_family("broken", None, {"fault": "x"})

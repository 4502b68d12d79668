"""Instances in processes of their own: they share nothing, and end with their rank."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import own_things
import pytest
from helpers import same
from own_episodes import looped, simulated
from own_things import family_of

import esmaml_mpi
from esmaml_mpi.errors import FamilyError
from esmaml_mpi.rollouts.deadline import DeadlineExceeded, deadline
from esmaml_mpi.rollouts.simulate import RolloutError
from esmaml_mpi.tasks.gymnasium_bridge import isolated
from esmaml_mpi.tasks.gymnasium_bridge.pool import pool_of
from esmaml_mpi.tasks.rehearsal import rehearse
from esmaml_mpi.tasks.workspace import Workspace

LIMIT = 60.0  # seconds, for a busy machine


@pytest.mark.slow
@pytest.mark.parametrize("name", ["OneWorld", "GlobalNoise"])
def test_instances_in_processes_share_nothing(name):
    family = family_of(name, horizon=5, isolation="process", instances=2)
    assert rehearse(family).warnings("gymnasium") == []
    assert simulated(family, size=4).returns == pytest.approx(
        looped(family_of(name, horizon=5, instances=1), 4), rel=1e-12
    )


@pytest.mark.slow
def test_threads_may_have_a_process_each():
    settings = {
        "policy": {"hidden": []},
        "meta": {"iterations": 1, "perturbations": 3, "current_evaluations": 1},
        "adaptation": {"queries": 2},
        "test": {"repeats": 1, "every": 0},
    }
    options = {"environment": "own_things:OneWorld", "vary_as": "attribute", "vary": {"goal": [-1.0, 1.0]}}
    apart = {**options, "isolation": "process", "instances": 1}
    alone = {**options, "environment": "own_things:Reach"}
    found, expected = (
        esmaml_mpi.train(
            {**settings, "task": {"name": "gymnasium", "horizon": 5, "options": each}}, [f"run.threads={n}"]
        )
        for each, n in ((apart, 2), (alone, 1))
    )
    assert same(found.history["train"]["values"], expected.history["train"]["values"])
    assert same(found.history["test"]["after"], expected.history["test"]["after"])


def instance_of(name, **changes):
    recipe = dict(environment=f"own_things:{name}", arguments={}, values={}, vary_as="attribute", scale=True, clip=0.0)
    return isolated.IsolatedInstance({**recipe, **changes})


def gone(pid):
    """Whether a process has ended, or does within a while."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_an_instance_in_a_process_does_all_that_another_does():
    there, here = instance_of("Reach", clip=0.05), own_things.Reach()
    out = np.empty(2)
    there.reset(5, {"goal": -1.0}, out)
    here.goal = -1.0
    assert np.array_equal(out, np.clip(here.reset(seed=5)[0], -0.05, 0.05))
    action = np.array([0.5], np.float32)
    assert there.step(action, out) == (here.step(action)[1], False)
    assert np.array_equal(there.render(), here.render())
    with pytest.raises(FamilyError, match=r"vary\.gaol: the environment's attribute cannot be set"):
        there.set_attributes({"gaol": 1.0})
    there.close()
    assert gone(there._process.pid)
    with pytest.raises(FamilyError, match=r"cannot be made with the arguments .*'gaol'"):
        instance_of("Reach", arguments={"gaol": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize(
    "how, words",
    [
        ("crash", r"was ended by signal 11 \(SIGSEGV\) in step\(\)"),
        ("exit", r"ended by itself, with exit code 3, in step\(\)"),
        ("SystemExit", r"SystemExit: 3 \(own_things.py, line \d+\)"),
    ],
)
def test_a_process_that_ends_fails_its_episode_and_no_other(how, words):
    family = family_of("Ends", arguments={"how": how}, isolation="process", instances=1, horizon=8)
    workspace, short = Workspace(), dataclasses.replace(family, horizon=4)
    with pytest.raises(RolloutError, match=words):
        simulated(family, slice(0, 1), workspace=workspace)
    found = simulated(short, slice(0, 1), workspace=workspace)
    assert np.array_equal(found.returns, simulated(family_of("Reach", horizon=4), slice(0, 1)).returns)


@pytest.mark.slow
def test_one_that_hangs_is_interrupted_says_where_and_is_ended(capfd, monkeypatch):
    monkeypatch.setattr(isolated.IsolatedInstance, "shown", False)
    family = family_of("Ends", arguments={"how": "hang"}, isolation="process", instances=1, horizon=8)
    workspace = Workspace()
    simulated(dataclasses.replace(family, horizon=2), slice(0, 1), workspace=workspace)  # it is made
    with pytest.raises(DeadlineExceeded), deadline(1.0, lambda: None):
        simulated(family, slice(0, 1), workspace=workspace)
    assert "own_things.py" in capfd.readouterr().err
    (loan,) = pool_of(workspace).lent
    simulated(dataclasses.replace(family, horizon=2), slice(0, 1), workspace=workspace)
    assert loan.instance.broken and gone(loan.instance._process.pid)


DIES = """
import os, signal, sys
import numpy as np
from esmaml_mpi.tasks.gymnasium_bridge.isolated import IsolatedInstance
one = IsolatedInstance(dict(environment="own_things:Ends", arguments={"how": "hang"}, values={}, vary_as="attribute",
                            scale=True, clip=0.0))
print(one._process.pid, flush=True)
one.reset(0, {}, np.empty(2))
for _ in range(5):
    one.step(np.zeros(1), np.empty(2))
one._connection.send(("step", (np.zeros(1),)))  # in which it hangs
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_the_process_dies_with_one_that_is_killed():
    done = subprocess.run(
        [sys.executable, "-c", DIES],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert gone(int(done.stdout))

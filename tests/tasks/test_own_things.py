"""Environments that share something with others: said before a run, and right one at a time or in processes."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import gymnasium
import numpy as np
import own_things
import pytest
from helpers import same, task_table
from own_things import family_of

import esmaml_mpi
from esmaml_mpi.config.config import Config
from esmaml_mpi.environments.single import FamilyEnv
from esmaml_mpi.environments.vector import FamilyVectorEnv
from esmaml_mpi.errors import ConfigError, FamilyError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.mlp import Policy
from esmaml_mpi.rollouts.deadline import DeadlineExceeded, deadline
from esmaml_mpi.rollouts.simulate import RolloutError, simulate
from esmaml_mpi.tasks.gymnasium_bridge import isolated
from esmaml_mpi.tasks.gymnasium_bridge.pool import pool_of
from esmaml_mpi.tasks.rehearsal import rehearse
from esmaml_mpi.tasks.workspace import Workspace

LIMIT = 60.0  # seconds, for a busy machine


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    try:
        return str(own_things.compiled(tmp_path_factory.mktemp("library")))
    except FileNotFoundError:
        pytest.skip("no C compiler")


def columns(family, size=9, seed=0):
    """Policies, tasks and seeds of that many episodes."""
    rng, policy = np.random.default_rng(seed), Policy(family.observation_size, family.action_size, ())
    theta = rng.normal(0.0, 0.5, (policy.size, size))
    tasks = task_table(family, family.task_count)[:, rng.integers(family.task_count, size=size)]
    return policy, theta, tasks, family.draw_noise(rng, size)


def simulated(family, chosen=slice(None), size=9, workspace=None, record=False):
    policy, theta, tasks, noise = columns(family, size)
    n, workspace = family.observation_size, workspace or Workspace()
    observer = Observer(np.zeros(n), np.ones(n))
    arrays = theta[:, chosen], tasks[:, chosen], noise[:, chosen]
    return simulate(policy, family, *arrays, observer, workspace, record)


def looped(family, size=9):
    """Returns of the same episodes in a plain loop, each in an environment that nothing else is beside."""
    policy, theta, tasks, noise = columns(family, size)
    returns = []
    for b in range(size):
        env = getattr(own_things, family.environment.partition(":")[2])(**family.arguments)
        env.goal = [-1.0, 1.0][int(tasks[0, b])]
        (seen, _), total = env.reset(seed=int(noise[0, b])), 0.0
        act = policy.bind(theta[:, [b, b]], np.zeros(family.observation_size), np.ones(family.observation_size)).act
        for _ in range(family.horizon):
            outputs = act(np.repeat(np.reshape(seen, (-1, 1)), 2, axis=1))[:, 0]
            seen, reward, *_ = env.step(np.clip(outputs, -1, 1).astype(np.float32))
            total += reward
        returns.append(total)
    return np.array(returns)


@pytest.mark.parametrize(
    "name, named",
    [
        ("OneWorld", "World.x"),
        ("GlobalNoise", "the global generator of numpy.random"),
        ("PythonNoise", "the global generator of random"),
        ("Crowd", "Crowd.scene"),
    ],
)
def test_what_instances_share_is_named_and_one_at_a_time_is_right(name, named):
    """Each of them repeats itself exactly, alone and after another."""
    (said,) = rehearse(family_of(name)).warnings("gymnasium")
    assert "an episode came out otherwise beside others than alone" in said and f"It changed {named}" in said
    assert "task.options.instances = 1" in said and 'task.options.isolation = "process"' in said
    family = family_of(name, instances=1)
    assert rehearse(family).warnings("gymnasium") == []
    right = looped(family)
    assert simulated(family).returns == pytest.approx(right, rel=1e-12)
    assert not np.allclose(simulated(family_of(name)).returns, right, rtol=1e-6)
    for chosen in (slice(0, 1), slice(1, 4), np.array([8, 0, 3])):
        assert np.array_equal(simulated(family, chosen).returns, simulated(family).returns[chosen])


def test_whole_paths_that_are_recorded_are_those_of_one_world_too():
    """As policy gradients need them; each episode by itself, and its double nowhere."""
    found, expected = (
        simulated(family, record=True) for family in (family_of("OneWorld", instances=1), family_of("Reach"))
    )
    assert np.array_equal(found.observations, expected.observations) and found.observations.shape == (21, 2, 9)
    assert np.array_equal(found.rewards, expected.rewards) and found.rewards.shape == (20, 9)


def test_a_static_of_compiled_code_cannot_be_named_but_is_noticed(library):
    (said,) = rehearse(family_of("Compiled", arguments={"library": library})).warnings("gymnasium")
    assert "beside others than alone: they share something" in said and "It changed" not in said
    alone = family_of("Compiled", arguments={"library": library}, instances=1)
    assert np.array_equal(simulated(alone).returns, simulated(family_of("Reach")).returns)


@pytest.mark.parametrize("name", ["Reach", "Camera", pytest.param("Calculator", marks=pytest.mark.slow)])
def test_environments_that_share_nothing_are_not_warned_of(name):
    assert rehearse(family_of(name)).warnings("gymnasium") == []
    assert simulated(family_of(name), size=3).returns == pytest.approx(looped(family_of(name), 3), rel=1e-12)


def test_what_an_episode_leaves_behind_for_the_next_is_said():
    rehearsal = rehearse(family_of("Leftovers"))
    assert rehearsal.repeated and not rehearsal.after_another
    assert "came out otherwise after another one" in rehearsal.warnings("gymnasium")[0]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_instances_exist_than_allowed(most):
    """In training as in use: of other tasks, of other workspaces, and with some that are kept."""
    alive, least = [], []

    class Counted(own_things.Reach):
        def __init__(self, goal=1.0):
            super().__init__(goal)
            alive.append(self)
            least.append(len(alive))

        def close(self):
            alive.remove(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_things, "Reach", Counted)
        options = dict(vary_as="constructor", instances=most)
        expected = simulated(family_of("Camera", vary_as="constructor")).returns, least.clear()
        family, workspaces = family_of("Reach", **options), [Workspace(), Workspace()]
        for workspace in (*workspaces, *workspaces):
            simulated(family, workspace=workspace)
    assert expected and max(least) == most and len(alive) <= most


def test_more_episodes_than_may_be_are_refused_and_not_mixed():
    family = family_of("OneWorld", instances=1)
    noise, table = np.zeros((1, 2)), task_table(family, 2)
    with pytest.raises(FamilyError, match=r"task\.options\.instances = 1: 2 episodes were to run side by side"):
        family.simulation(table, noise, Workspace()).reset(np.zeros((2, 2)))
    options = {"family": "gymnasium", "horizon": 20, "environment": "own_things:OneWorld", "instances": 1}
    first, second = FamilyEnv(**options), FamilyEnv(**options)
    first.reset(seed=0)
    with pytest.raises(FamilyError, match="as many episodes are under way in this process already"):
        second.reset(seed=1)
    first.reset(seed=1)  # a new episode of the same, though
    with pytest.raises(FamilyError, match="2 episodes were to run side by side"):
        FamilyVectorEnv(**options, num_envs=2).reset(seed=0)


def test_gymnasiums_face_runs_one_episode_for_a_lone_environment():
    env = FamilyEnv(family="gymnasium", horizon=5, environment="own_things:OneWorld", instances=1)
    plain = own_things.Reach()
    found = env.reset(seed=3)[0]
    seed = int(env.unwrapped._episodes.simulation.seeds[0])
    assert np.array_equal(found, plain.reset(seed=seed)[0])
    for action in (0.5, -1.0, 0.25, 1.0, 0.0):
        observation, reward, _, truncated, _ = env.step(np.array([action]))
        expected = plain.step(np.array([action], np.float32))
        assert np.array_equal(observation, expected[0]) and reward == expected[1]
    assert truncated


def test_threads_that_would_be_at_once_are_refused():
    task = {"name": "gymnasium", "horizon": 5, "options": {"environment": "own_things:Reach", "instances": 1}}
    with pytest.raises(ConfigError, match=r"run\.threads = 2: with task\.options\.instances = 1 one episode"):
        Config.from_dict({"task": task, "run": {"threads": 2}}).resolved()
    task["options"]["instances"] = 2
    assert Config.from_dict({"task": task, "run": {"threads": 2}}).resolved().run.threads == 2


def test_a_simulator_that_allows_one_instance_runs_and_its_message_says_how():
    with pytest.raises(
        FamilyError, match=r"port 2000 is in use\. That was instance number 2 .*task\.options\.instance"
    ):
        rehearse(family_of("OnlyOne"))
    own_things.OnlyOne.alive = 0
    family = family_of("OnlyOne", instances=1)
    assert rehearse(family).warnings("gymnasium") == []
    assert np.array_equal(simulated(family).returns, simulated(family_of("Reach")).returns)


# In processes of their own.


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


# Limits, readings, and what is unusual.


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
    exact = family_of("Truncates", horizon=8, arguments={"goal": 2.0})
    simulated(exact)
    assert exact.remarks == []


def test_observations_are_clipped_where_that_is_asked_for():
    family = family_of("Reads", arguments={"value": 1e20}, clip_observations=1e3)
    found = simulated(family)
    assert not found.faults and np.isfinite(found.returns).all()
    assert np.array_equal(found.returns, simulated(family_of("Reads", arguments={"value": 1e3})).returns)
    assert not simulated(family_of("infinite", clip_observations=1e3)).faults
    assert simulated(family_of("hole", clip_observations=1e3)).faults[4].in_words(1).startswith("observation[1] = nan")


@pytest.mark.parametrize(
    "name, options, words",
    [
        (
            "Reads",
            {"arguments": {"value": 1e20}},
            "observation[1] = 1e+20 at step 7 of task 3: squares of observations",
        ),
        ("infinite", {}, "observation[1] = inf at step 7 of task 3"),
        ("hole", {}, "observation[1] = nan at step 7 of task 3"),
    ],
)
def test_a_bad_reading_is_named_with_its_step(name, options, words):
    for chosen in (slice(None), slice(4, 5)):
        faults = simulated(family_of(name, **options), chosen).faults
        assert sorted(faults) == list(range(9))[chosen if chosen == slice(None) else slice(0, 1)]
        assert all(fault.in_words(3).startswith(words) for fault in faults.values())


@pytest.mark.parametrize("dtype", ["float64", "float32", "float128", "object", "float16"])
def test_arrays_that_are_used_again_and_numbers_of_other_types_are_read_as_they_were(dtype):
    if dtype != "object" and not hasattr(np, dtype):
        pytest.skip(f"no {dtype} here")
    found = simulated(family_of("Gives", arguments={"dtype": dtype}), size=3)
    assert found.returns == pytest.approx(looped(family_of("Gives", arguments={"dtype": dtype}), 3), rel=1e-6)
    exact = {"float64", "float128", "object"}
    sums = simulated(family_of("Reach"), size=3).observation_sums
    assert np.allclose(found.observation_sums, sums, rtol=1e-12 if dtype in exact else 1e-1, atol=1e-2)


@pytest.mark.parametrize(
    "how, words",
    [
        ("SystemExit", "SystemExit: 3"),
        ("BaseException", "Panic"),
        ("unprintable", "Unprintable: .its message cannot be"),
    ],
)
def test_whatever_an_episode_raises_is_its_own(how, words):
    with pytest.raises(RolloutError, match=f"gymnasium raised {words}"):
        simulated(family_of("Ends", arguments={"how": how}))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_environment_that_refuses_to_be_closed_ends_nothing(capsys):
    family, workspace = family_of("Ends", arguments={"how": "close"}, horizon=3), Workspace()
    expected = simulated(family_of("Reach", horizon=3)).returns
    assert np.array_equal(simulated(family, workspace=workspace).returns, expected)
    pool_of(workspace).close()
    assert pool_of(workspace).count_idle == 0


def test_a_vector_of_the_package_is_not_disturbed():
    """``start`` leaves episodes alone that all run."""
    envs = gymnasium.make_vec("esmaml_mpi.environments:esmaml/FourCorners-v0", num_envs=2)
    one = gymnasium.make("esmaml_mpi.environments:esmaml/FourCorners-v0", task=0)
    assert same(envs.reset(seed=1)[0][0], one.reset(seed=1)[0])

"""Environments whose instances share something: said before a run, and right one at a time."""

import numpy as np
import own_things
import pytest
from helpers import task_table
from own_episodes import looped, simulated
from own_things import family_of

from esmaml_mpi.config.config import Config
from esmaml_mpi.environments.single import FamilyEnv
from esmaml_mpi.environments.vector import FamilyVectorEnv
from esmaml_mpi.errors import ConfigError, FamilyError
from esmaml_mpi.tasks.rehearsal import rehearse
from esmaml_mpi.tasks.workspace import Workspace


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    try:
        return str(own_things.compiled(tmp_path_factory.mktemp("library")))
    except FileNotFoundError:
        pytest.skip("no C compiler")


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

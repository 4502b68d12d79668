"""Runs on Gymnasium environments: the same bits in any batch and thread, resumed runs, instances, mistakes."""

import subprocess
import sys

import numpy as np
import own_environments
import pytest
from helpers import assert_same_run, rollout_setup, same, task_table
from own_environments import WALK, Walk, family_of

import esmaml_mpi
from esmaml_mpi.config.config import Config
from esmaml_mpi.config.loading import load
from esmaml_mpi.errors import TrainingError, UserError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.rollouts.simulate import RolloutError, simulate
from esmaml_mpi.tasks import make_family, options_of
from esmaml_mpi.tasks.gymnasium_bridge import pool as bridge
from esmaml_mpi.tasks.rehearsal import rehearse
from esmaml_mpi.tasks.workspace import Workspace

SMALL = {
    "task": {"name": "gymnasium", "train_size": 3, "batch_size": 2, "test_size": 2, "horizon": 12},
    "policy": {"hidden": []},
    "adaptation": {"queries": 3},
    "meta": {"iterations": 2, "perturbations": 4, "current_evaluations": 2},
    "test": {"repeats": 1, "every": 1},
}


def batch(size=23, **options):
    """Policies, tasks and noise of that many episodes, some of which end early."""
    options = {"environment": WALK, "arguments": {"edge": 4.0}, "vary": {"gain": [0.5, 1.0, 2.0]}, **options}
    setup, rng = rollout_setup("gymnasium", options=options, horizon=30, tasks=3), np.random.default_rng(3)
    theta = rng.normal(0.0, 0.5, (setup.policy.size, size))
    return setup, theta, setup.task_table[:, rng.integers(3, size=size)], setup.family.draw_noise(rng, size)


@pytest.mark.parametrize("vary_as", ["constructor", "attribute"])
def test_every_column_is_the_same_bits_in_any_batch(vary_as):
    setup, theta, tasks, noise = batch(vary_as=vary_as)
    observer, workspace = Observer(np.zeros(2), np.ones(2)), Workspace()

    def run(columns):
        arrays = theta[:, columns], tasks[:, columns], noise[:, columns]
        return simulate(setup.policy, setup.family, *arrays, observer, workspace)

    whole = run(slice(None))
    assert len(set(whole.lengths)) > 2 and whole.lengths.min() < 30
    for columns in (slice(0, 1), slice(1, 3), slice(3, 22), slice(22, 23), np.random.default_rng(0).permutation(23)):
        part = run(columns)
        assert np.array_equal(part.returns, whole.returns[columns])
        assert np.array_equal(part.lengths, whole.lengths[columns])
        assert np.array_equal(part.observation_sums, whole.observation_sums[:, columns])


def test_instances_are_used_again_and_few_are_kept(monkeypatch):
    setup, theta, tasks, noise = batch(vary_as="attribute")
    arrays, workspace = (theta, tasks, noise, Observer(np.zeros(2), np.ones(2))), Workspace()
    simulate(setup.policy, setup.family, *arrays, workspace)
    before = Walk.made
    simulate(setup.policy, setup.family, *arrays, workspace)
    assert Walk.made == before
    monkeypatch.setattr(bridge, "MOST_IDLE", 4)
    setup, theta, tasks, noise = batch(vary_as="constructor")
    pool = bridge.pool_of(workspace)
    for number in (0, 1, 0):
        one_kind = np.repeat(setup.task_table[:, [number]], 23, axis=1)
        simulate(setup.policy, setup.family, theta, one_kind, noise, arrays[3], workspace)
        assert sum(map(len, pool.idle.values())) <= 4
    pool.close()
    assert not pool.idle and not pool.lent


def test_an_exception_is_the_episodes_and_its_instance_is_not_used_again():
    setup, theta, _, noise = batch(vary={}, arguments={"fail_beyond": 1.5})
    observer, workspace = Observer(np.zeros(2), np.ones(2)), Workspace()
    with pytest.raises(RolloutError, match="gymnasium raised ArithmeticError: on purpose"):
        simulate(setup.policy, setup.family, theta, np.zeros((1, 23)), noise, observer, workspace)
    broken = [loan.instance for loan in bridge.pool_of(workspace).lent if loan.instance.broken]
    assert len(broken) == 1
    simulate(setup.policy, setup.family, 0 * theta - 1.0, np.zeros((1, 23)), noise, observer, workspace)
    assert broken[0] not in [loan.instance for loan in bridge.pool_of(workspace).lent]


def test_a_policy_whose_output_is_no_number_fails_its_episode_alone():
    setup, theta, tasks, noise = batch()
    theta[:, 4] = np.nan
    result = simulate(setup.policy, setup.family, theta, tasks, noise, Observer(np.zeros(2), np.ones(2)), Workspace())
    assert np.flatnonzero(np.isnan(result.returns)).tolist() == [4] and result.lengths[4] == 1


def test_options_survive_the_configuration_printed_in_full(tmp_path):
    options = {
        "environment": WALK,
        "arguments": {"edge": 5.0},
        "vary": {"gain": {"low": 1.0, "high": 2.0}, "body.offset": [[0, 1], [2, 3]]},
        "vary_as": "attribute",
    }
    family = family_of(**options)
    assert make_family("gymnasium", 20, options_of(family)) == family
    config = Config.from_dict({**SMALL, "task": {**SMALL["task"], "train_size": 2, "options": options}}).resolved()
    for comments in (False, True):
        assert Config.from_toml(config.to_toml(comments)) == config


@pytest.mark.parametrize("threads", [1, 3])
def test_training_gives_the_same_numbers_on_any_number_of_threads(threads):
    changes = ["task.options.environment=own_environments:Walk", "task.options.vary.gain={low = 0.5, high = 2.0}"]
    alone = esmaml_mpi.train(SMALL, [*changes, "task.options.vary_as=attribute"])
    others = esmaml_mpi.train(SMALL, [*changes, f"run.threads={threads}"])  # and each task in an instance of its own
    assert same(alone.history["train"]["values"], others.history["train"]["values"])
    assert same(alone.history["test"]["after"], others.history["test"]["after"])
    assert alone.history["train"]["failed_units"].tolist() == [0, 0]


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    changes = ["task.options.environment=Pendulum-v1", "task.options.vary.g=[5.0, 10.0, 15.0]", "task.test_size=3"]
    whole = esmaml_mpi.train(SMALL, changes, output=tmp_path / "whole.h5")
    esmaml_mpi.train(SMALL, [*changes, "meta.iterations=1"], output=tmp_path / "parts.h5")
    assert_same_run(esmaml_mpi.train(SMALL, changes, output=tmp_path / "parts.h5", resume=True), whole)


def test_failures_of_episodes_are_counted(capsys):
    changes = [
        f"task.options.environment={WALK}",
        "task.options.arguments={fail_beyond = -100.0}",
        "meta.max_redraws=0",
    ]
    with pytest.raises(TrainingError, match="6 of 6 evaluations failed"):
        esmaml_mpi.train({**SMALL, "task": {"name": "gymnasium", "horizon": 12}}, changes)
    assert "gymnasium raised ArithmeticError: on purpose" in capsys.readouterr().out


GIVES = "own_environments:Gives"


@pytest.mark.parametrize(
    "options, message",
    [
        ({"environment": "Pendulm-v1"}, r"environment = 'Pendulm-v1': .*Did you mean: `Pendulum`"),
        (
            {"environment": "no_such_module:Env"},
            "module 'no_such_module' cannot be imported: ModuleNotFoundError.* folder that",
        ),
        (
            {"environment": "own_environments:Wolk"},
            "has no class or function 'Wolk'.* Did you mean .*:Walk",
        ),
        ({"environment": "own_environments.py:Walk"}, "A module's name is wanted, not a file's: 'own_environments'"),
        ({"environment": "./here/mine.py:Walk"}, "A module's name is wanted, not a file's: 'here.mine'"),
        ({"environment": "own_environments:np.pi"}, "has no class or function 'np.pi'"),
        ({"environment": "fractions:Fraction"}, "Fraction has no 'reset'"),
        ({"arguments": {"gian": 1.0}}, "cannot be made with the arguments {'gian': 1.0} .* argument 'gian'"),
        ({"vary": {"gian": [1.0]}}, "cannot be made with the arguments {'gian': 1.0} .* argument 'gian'"),
        ({"vary": {"gian": [1.0]}, "vary_as": "attribute"}, r"task\.options\.vary\.gian: .* no attribute 'gian'"),
        ({"vary": {"limit": [1]}, "vary_as": "reset", "environment": "own_environments:Old"}, "takes no options"),
        ({"vary": {"gain": [1.0]}, "arguments": {"gain": 1.0}}, r"vary\.gain = \[1\.0\]: task\.options\.arguments has"),
        ({"vary": {"gain": [1.0], "edge": [1.0, 2.0]}}, r"vary\.edge has 2, task\.options\.vary\.gain has 1"),
        ({"vary": {"gain": {"low": 2.0, "high": 1.0}}}, r"vary\.gain = .*finite numbers low <= high"),
        ({"vary": {"gain": {"low": 2.0}}}, r"vary\.gain = .*a list of values, {low, high} or \"number\""),
        ({"vary": {"gain": []}}, r"vary\.gain = \[\]: a list of values"),
        ({"vary": {"gain": 3.0}}, r"vary\.gain = 3\.0: a list of values"),
        ({"vary": {"gain": [float("nan")]}}, r"vary\.gain = nan: a number is wanted"),
        ({"arguments": {"gain": None}}, r"arguments\.gain = None: numbers, text"),
        ({"arguments": {"gain": 2**64}}, r"arguments\.gain = 18446744073709551616: an integer of at most 64 bits"),
        ({"arguments": {"gain": "\0"}}, r"arguments\.gain = .*without null characters"),
        ({"environment": "Pendulum-v1", "arguments": {"max_episode_steps": 0}}, "max_episode_steps = 0: an integer"),
        ({"environment": "own_environments:Sequences"}, "its observation_space Sequence.* cannot be used"),
        ({"environment": "own_environments:TextActions"}, "its action_space Text.* Box, Discrete, MultiDiscrete or"),
        (
            {"environment": "own_environments:Wider", "vary": {"width": [1, 1, 2]}},
            "task 2 has 2 observations and 1 actions, the first one 1 and 1",
        ),
        ({"environment": "own_environments:ThreeValues"}, "step.. of ThreeValues gave 3 values; 5 are wanted"),
        (
            {"environment": GIVES, "arguments": {"observed": 3}},
            r"simulated: reset\(\) of Gives gave an observation of shape \(3,\), .*_space Box.*\(2,\).* Correct that",
        ),
        (
            {"environment": GIVES, "arguments": {"reward": "much"}},
            r"simulated: step\(\) of Gives gave the reward 'much'; a number is wanted\. .*:Gives does this when",
        ),
        ({"environment": GIVES, "arguments": {"reward": [1, 2]}}, r"gave the reward \[1, 2\]; a number is wanted"),
        ({"environment": GIVES, "arguments": {"step": False}}, r"step\(\) of Gives gave None; a tuple of 5 is wanted"),
    ],
)
def test_a_mistake_is_named_in_one_line_before_training(options, message):
    with pytest.raises(UserError, match=message) as caught:
        rehearse(family_of(**options))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where, repeatable", [("nowhere", True), ("reset", False), ("kept", False), ("reward", False)])
def test_an_environment_that_cannot_be_repeated_is_said_before_training(capsys, where, repeatable):
    options = {"environment": "own_environments:Unseeded", "arguments": {"where": where}}
    load({"task": {"name": "gymnasium", "horizon": 9, "options": options}}).resolved()
    assert ("came out otherwise when it was simulated again" in capsys.readouterr().err) is not repeatable


def test_a_class_that_has_been_defined_anew_is_the_one_that_is_used(monkeypatch):
    """As in a notebook, whose cell is run again."""
    first = family_of()
    assert family_of().blueprint is first.blueprint
    monkeypatch.setattr(own_environments, "Walk", type("Walk", (own_environments.Walk,), {}))
    assert isinstance(family_of().blueprint.instance(np.zeros(1)).env, own_environments.Walk)


def test_results_are_where_the_run_was_started_wherever_an_environment_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "away").mkdir()
    options = {"environment": "own_environments:Wanders", "arguments": {"folder": str(tmp_path / "away")}}
    config = {**SMALL, "task": {"name": "gymnasium", "horizon": 5, "options": options}}
    results = esmaml_mpi.train(config, output="run.h5")
    assert results.path == tmp_path / "run.h5" and list((tmp_path / "away").iterdir()) == []


def test_an_environment_may_change_what_it_is_given():
    table = {"low": [1, 2]}
    for vary_as in ("constructor", "attribute"):
        family = family_of(vary={"edge": [[3], [4]]}, vary_as=vary_as, arguments={"fail_beyond": table})
        simulation = family.simulation(task_table(family, 2), np.zeros((1, 2)), Workspace())
        simulation.reset(np.empty((2, 2)))
        for instance in simulation.instances.values():
            instance.env.edge.append(5)
            instance.env.fail_beyond.clear()
        again = family.simulation(task_table(family, 2), np.zeros((1, 2)), Workspace())
        again.reset(np.empty((2, 2)))
        assert [instance.env.edge for instance in again.instances.values()] == [[3], [4]]
        assert again.instances[0].env.fail_beyond == table


def test_mujoco_environments_warn_once_and_leave_no_log(tmp_path):
    """Through the bridge, in a process of its own that has not loaded MuJoCo yet."""
    code = """
import esmaml_mpi
esmaml_mpi.train({
    "task": {"name": "gymnasium", "horizon": 3, "options": {"environment": "HalfCheetah-v5"}},
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    "test": {"repeats": 1},
})"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("settotalmass") == 1 and "esmaml: HalfCheetah-v5: " in done.stderr
    assert list(tmp_path.iterdir()) == []

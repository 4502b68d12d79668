"""Repeated draws: which adaptations have the same directions, and that whoever adapts later has them too."""

import dataclasses

import numpy as np
import pytest
from helpers import rollout_setup, same, unscaled

import esmaml_mpi
from esmaml_mpi.config.experiment import Experiment
from esmaml_mpi.config.loading import load
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.errors import ConfigError, UsageError
from esmaml_mpi.reproducibility.randomness import Phase, Purpose, Round, Streams
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Units
from esmaml_mpi.tasks.workspace import Workspace

TASKS = np.array([[3, 1], [0, 3]])


def drawn(draws, iteration=2, seed=1, sampler="gaussian", share=False, tasks=TASKS):
    """Two draws of three directions (d, U, T, 6), the second in another column."""
    setup = rollout_setup("four_corners", (4,), 10, {}, 4)
    setup = dataclasses.replace(
        setup, draws=draws, streams=Streams(seed), sampler=make_sampler(sampler), share_rollouts=share
    )
    units = Units(Round(Phase.TRAIN, iteration), tasks, np.arange(10, 10 + len(tasks)))
    trials = Trials(setup, units, unscaled(2), Workspace(), Purpose.QUERY_EPISODE)
    return np.concatenate([trials.normals(3), trials.normals(3)], axis=3)


@pytest.mark.parametrize("sampler", ["gaussian", "orthogonal", "dpp"])
def test_what_is_repeated(sampler):
    fresh = drawn("fresh", sampler=sampler)
    assert not same(fresh, drawn("fresh", iteration=3, sampler=sampler))
    by_task = drawn("by_task", sampler=sampler)
    assert same(by_task, drawn("by_task", iteration=3, seed=2, sampler=sampler))
    assert same(by_task[:, 0, 0], by_task[:, 1, 1]) and not same(by_task[:, 0, 0], by_task[:, 0, 1])
    fixed = drawn("fixed", sampler=sampler)
    assert same(fixed, drawn("fixed", iteration=3, seed=2, sampler=sampler))
    assert all(same(fixed[:, 0, 0], fixed[:, u, t]) for u in range(2) for t in range(2))
    for each in (by_task, fixed):
        assert not same(each[..., :3], each[..., 3:])


def test_fixed_draws_are_the_same_where_rollouts_are_shared():
    alone = drawn("fixed", share=True, tasks=TASKS[:1, :1])
    assert same(drawn("fixed", share=True)[:, 1, 1], alone[:, 0, 0])


def test_a_repeated_draw_is_as_normal_as_a_fresh_one():
    many = np.concatenate([drawn("by_task", tasks=np.array([[t]])).ravel() for t in range(4)])
    assert abs(many.mean()) < 4 / np.sqrt(many.size) and abs(many.std() - 1) < 4 / np.sqrt(2 * many.size)


def test_evaluations_of_any_seed_and_robots_have_the_directions_of_training(tmp_path):
    settings = {
        "task": {"name": "four_corners", "options": {"reward": "squared_distance"}, "horizon": 10},
        "policy": {"hidden": []},
        "adaptation": {"queries": 3, "draws": "fixed"},
        "meta": {"iterations": 1, "perturbations": 2, "current_evaluations": 1},
    }
    results = esmaml_mpi.train(settings, quiet=True, output=tmp_path / "run.h5")
    policy = esmaml_mpi.MetaPolicy(results)
    first, second = policy.adaptation(seed=3), policy.adaptation(seed=4, task=2)
    directions = _trials(results.config).normals(3)[:, 0, 0]
    assert same(first.batch[1][:, :3], policy.theta[:, None] + results.config.adaptation.sigma * directions)
    with esmaml_mpi.Session.create(tmp_path / "robot.session", results, seed=5) as session:
        for _ in range(first.total):
            assert same(first.ask(), second.ask()) and same(first.ask(), session.ask())
            for each in (first, second, session):
                each.tell(1.0)
    fresh = esmaml_mpi.MetaPolicy(results, overrides=["adaptation.draws=fresh"])
    assert not same(fresh.adaptation(seed=3).ask(), fresh.adaptation(seed=4).ask())
    adapted = [_adapted(load(results.config, [f"run.seed={seed}"]), policy.theta) for seed in (1, 2)]
    assert same(*adapted) and same(adapted[0][:, 0], adapted[0][:, 1])
    others = [
        _adapted(load(results.config, [f"run.seed={seed}", "adaptation.draws=fresh"]), policy.theta) for seed in (1, 2)
    ]
    assert not same(*others)


def _trials(config):
    """Those of a unit of training."""
    units = Units(Round(Phase.TRAIN, 4), np.array([[2]]), np.array([7]))
    setup = Experiment(config).evaluator.setup
    return Trials(setup, units, unscaled(2), Workspace(), Purpose.QUERY_EPISODE)


def _adapted(config, theta):
    """Parameters (d, 2) after two adaptations to one task."""
    experiment = Experiment(config.resolved(training=False), Phase.EVALUATE, [0], 2)
    units = experiment.held_out.units(Round(Phase.EVALUATE, 7), range(2))
    found, _ = experiment.evaluator.adapt(np.repeat(theta[:, None], 2, axis=1), units, unscaled(2))
    return found[:, :, 0]


def test_a_robot_is_no_task(tmp_path):
    settings = {
        "task": {"name": "four_corners", "horizon": 10},
        "adaptation": {"draws": "by_task"},
        "meta": {"iterations": 0},
    }
    results = esmaml_mpi.train(settings, quiet=True)
    with pytest.raises(UsageError, match=r"draws = 'by_task'.*a robot is none of its tasks"):
        esmaml_mpi.Session.create(tmp_path / "robot.session", results)
    assert not (tmp_path / "robot.session").exists()


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"meta": {"algorithm": "first_order"}, "adaptation": {"draws": "fixed"}}, "'fresh' is wanted"),
        ({"adaptation": {"draws": "by_task", "share_rollouts": True}}, "'fresh' or 'fixed' is wanted"),
        ({"adaptation": {"operator": "none", "draws": "fixed"}}, "tries nothing"),
        (
            {
                "meta": {"algorithm": "evo_zero_order", "estimator": "antithetic", "perturbations": 4},
                "adaptation": {"operator": "evo_es_gradient", "draws": "by_task"},
            },
            "'fresh' is wanted",
        ),
        ({"adaptation": {"draws": "often"}}, "adaptation.draws.*by_task, fixed, fresh"),
    ],
)
def test_what_goes_together(tables, said):
    with pytest.raises(ConfigError, match=said):
        load(tables).resolved()

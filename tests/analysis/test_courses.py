"""Adaptations followed step by step: the rewards and paths are those of the evaluation, and failures stay out."""

import json

import numpy as np
import pytest
from made_up import TINY, run_script, train

import esmaml_mpi
from esmaml_mpi.commands.main import main as esmaml

pytestmark = pytest.mark.usefixtures("scripts")

CLIMB = ("adaptation.operator=hill_climbing", "adaptation.queries=5")
CHAIN = (
    "adaptation.operator=chain",
    "adaptation.links=[{operator='es_gradient', queries=4}, {operator='population_search', population=3}]",
)
LEARNED = (
    "adaptation.operator=chain",
    "adaptation.links=[{operator='trial_programme', queries=2}, {operator='es_gradient', queries=3, "
    "learned=['sigma', 'scales']}]",
)
SAMPLED = (
    "policy.output=identity",
    "meta.algorithm=pg_maml",
    "adaptation.operator=policy_gradient",
    "adaptation.queries=3",
)
EVOLVING = (
    "policy.output=identity",
    "meta.algorithm=evo_maml",
    "adaptation.operator=evo_policy_gradient",
    "adaptation.queries=3",
)


def rewards(results, notes, repeats=2, overrides=()):
    import courses
    from behaviour import Behaviour

    behaviour = Behaviour(results, "last", results.test_task_ids, repeats, overrides=overrides)
    return courses.rewards(behaviour, notes.append)


def evaluated(results, capsys, *settings):
    capsys.readouterr()
    seed = str(results.config.run.seed)
    assert esmaml(["evaluate", str(results.path), "--seed", seed, "--repeats", "2", "--json", "-", *settings]) == 0
    told = json.loads(capsys.readouterr().out)
    return np.array(told["before"]), np.array(told["after"]), told["rollouts_per_adaptation"]


@pytest.mark.parametrize("settings", [(), ("adaptation.steps=3",), CLIMB, CHAIN, LEARNED, (*CLIMB, "task.rollouts=2")])
def test_ends_where_the_evaluation_does(settings, tmp_path, notes, capsys):
    results = train(tmp_path / "run.h5", "run.seed=3", *settings)
    used, found = rewards(results, notes)
    before, after, rollouts = evaluated(results, capsys)
    np.testing.assert_array_equal(found[0], before)
    np.testing.assert_array_equal(found[-1], after)
    assert (used[0], used[-1]) == (0, rollouts) and len(found) == len(used) and notes == []
    assert (np.diff(used) > 0).all()


def test_what_is_remembered_is_followed_too(tmp_path, notes, capsys):
    adaptation = {"operator": "recurrent", "episodes": 2}
    settings = {**TINY, "adaptation": adaptation, "policy": {"architecture": "gru", "hidden": [4]}}
    results = esmaml_mpi.train(
        settings, ["task.options.reward=distance", "task.horizon=20", "run.seed=3"], output=tmp_path / "run.h5"
    )
    used, found = rewards(results, notes)
    before, after, _ = evaluated(results, capsys)
    assert used.tolist() == [0, 1, 2] and notes == []
    np.testing.assert_array_equal(found[[0, -1]], [before, after])
    assert (found[1] != found[0]).any()


@pytest.mark.slow
@pytest.mark.parametrize("settings", [SAMPLED, (*SAMPLED, "adaptation.steps=3"), (*EVOLVING, "adaptation.steps=2")])
def test_policies_that_act_at_random_are_followed_too(settings, tmp_path, notes, capsys):
    pytest.importorskip("jax")
    results = train(tmp_path / "run.h5", *settings)
    used, found = rewards(results, notes)
    _, after, rollouts = evaluated(results, capsys)  # before adaptation other actions are drawn
    np.testing.assert_array_equal(found[-1], after)
    assert used.tolist() == list(range(0, rollouts + 1, 3)) and notes == []
    assert (np.diff(found, axis=0)[: results.config.adaptation.steps] != 0).any(axis=(1, 2)).all()


def test_hill_climbing_never_gets_worse_on_the_way(tmp_path, notes):
    results = train(tmp_path / "run.h5", *CLIMB, "meta.iterations=0")
    used, found = rewards(results, notes)
    assert used.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert (np.diff(found, axis=0) >= 0).all() and (found[-1] > found[0]).any()
    np.testing.assert_array_equal(found[0], found[1])  # the first query is the pivot
    np.testing.assert_array_equal(found[4], rewards(results, notes, overrides=("adaptation.queries=3",))[1][-1])


def test_one_step_adapts_with_several_k(runs, notes, capsys):
    from adaptation_curves import curves
    from groups import group

    (curve,) = curves(group([runs["k6_1"]], notes.append), "last", 2, notes.append)
    assert curve.apart and curve.rollouts.tolist() == [0, 2, 4, 7]
    for row, queries in ((1, 1), (2, 3), (3, 6)):
        _, after, _ = evaluated(runs["k6_1"], capsys, "--set", f"adaptation.queries={queries}")
        np.testing.assert_array_equal(curve.rewards[0, row], after)


def test_k_that_an_estimator_refuses_is_said(tmp_path, notes):
    from adaptation_curves import curves
    from groups import group

    results = train(tmp_path / "run.h5", "adaptation.estimator=antithetic", "adaptation.reward_normalization=none")
    (curve,) = curves(group([results], notes.append), "last", 1, notes.append)
    assert curve.rollouts.tolist() == [0, 2, 4]
    assert len(notes) == 1 and "no point at K = 1" in notes[0]


@pytest.mark.parametrize("failure", ["not_finite", "raise"])
def test_failed_adaptations_are_left_out_and_counted(failure, monkeypatch, notes):
    import courses
    from behaviour import Behaviour

    from esmaml_mpi.tasks import FAMILIES

    monkeypatch.setitem(FAMILIES, "flaky", "helpers:Flaky")
    options = f"task.options={{failure_rate=0.03, failure='{failure}'}}"
    results = train(None, "task.name=flaky", "task.horizon=10", options, *CLIMB, "meta.iterations=0", "test.every=0")
    behaviour = Behaviour(results, "last", results.test_task_ids, 25)
    _, found = courses.rewards(behaviour, notes.append)
    outcome = behaviour.experiment.evaluator.evaluate(behaviour.points, behaviour.units, behaviour.observer)
    failed = (outcome.tally.status != 0).reshape(4, 25)
    assert 0 < failed.sum() < 50 and np.isnan(found[:, failed]).all() and np.isfinite(found[:, ~failed]).all()
    assert notes == [f"None: {failed.sum()} of 100 adaptations failed and are left out"]


def test_explored_paths_begin_with_the_pivot_and_end_as_rewarded(tmp_path, notes):
    import courses
    from behaviour import Behaviour

    climber = Behaviour(train(tmp_path / "hc.h5", *CLIMB), "last", [0, 1, 2, 3], 2)
    tried, before = courses.explored(climber), climber.paths("before")
    assert [len(own) for own in tried] == [2 * 6] * 4
    np.testing.assert_array_equal(tried[2][0], before[2][0])
    after = {path.tobytes() for own in climber.paths("after") for path in own}
    assert after <= {path.tobytes() for own in tried for path in own}  # it ends with a policy that it has tried


@pytest.mark.slow
def test_explored_paths_of_policies_that_act_at_random_are_those_learnt_from(tmp_path):
    pytest.importorskip("jax")
    import courses
    from behaviour import Behaviour

    tried = courses.explored(Behaviour(train(tmp_path / "pg.h5", *SAMPLED), "last", [0, 1, 2, 3], 2))
    assert [len(own) for own in tried] == [2 * 3] * 4
    paths = [path for own in tried for path in own]
    assert len({path.tobytes() for path in paths}) == len(paths) and all(path[-1].any() for path in paths)


@pytest.mark.slow
def test_script_draws_and_tabulates(runs, tmp_path):
    files = [results.path for results in runs.values()]
    done = run_script("adaptation_curves.py", *files, "--repeats", "2", "--output", "a.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")
    _, _, four, six, _ = done.stdout.splitlines()
    assert four.split()[:4] == ["queries", "=", "4", "3"] and six.split()[:4] == ["queries", "=", "6", "1"]
    assert [float(four.split()[i]) for i in (5, 7)] == [3, 5]


@pytest.mark.slow
def test_errors_are_one_line(runs, tmp_path):
    done = run_script("adaptation_curves.py", runs["k4_1"].path, "--set", "meta.sigma=1", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "only adaptation.*" in done.stderr
    done = run_script("adaptation_curves.py", runs["k4_1"].path, "--set", "adaptation.sigma=-1", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "adaptation.sigma" in done.stderr

"""Meta-World's goals as tasks are those of its benchmarks, with its own episodes: where it is installed."""

import json
import runpy
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from esmaml_mpi.config.loading import load

FOLDER = Path(__file__).parents[2] / "examples" / "meta_world"
CONFIGS = sorted(FOLDER.glob("*.toml"))
REASON = "needs metaworld, which wants an environment of its own: docs/meta_world.md"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_tasks_to_test_on_begin_where_the_held_out_goals_do(path):
    tables = tomllib.loads(path.read_text())
    task = load(path).task
    trained, held_out = {"ML1": (50, 50), "ML10": (500, 250)}[task.options["arguments"]["benchmark"]]
    assert (task.horizon, task.train_size, task.test_size) == (500, trained, held_out)
    assert not {"train_size", "options", "seed"} & tables["sizes"]["small"]["task"].keys()


def test_adaptations_that_failed_are_left_out_of_the_success_on_goals_held_out(monkeypatch, tmp_path, capsys):
    known = SimpleNamespace(ALL_V3_ENVIRONMENTS={"reach-v3": None})
    monkeypatch.setitem(sys.modules, "metaworld", SimpleNamespace(env_dict=known))
    told = {"tasks": [50, 51], "success_before": [[0.0, 1.0], [0.0, 0.0]], "success_after": [[None, 1.0], [0.0, 1.0]]}
    (tmp_path / "seed.json").write_text(json.dumps(told))
    shares = runpy.run_path(str(FOLDER / "held_out.py"))["shares"]
    ((before, after),) = shares("reach-v3", [tmp_path / "seed.json"]).values()
    assert before.tolist() == [0.25] and after.tolist() == [0.75]
    assert "1 of 4 adaptations failed" in capsys.readouterr().err


@pytest.fixture
def meta_world(monkeypatch):
    pytest.importorskip("metaworld", reason=REASON)
    monkeypatch.syspath_prepend(FOLDER)
    import meta_world

    return meta_world


def episode(env, observation, steps=30):
    rng, seen, rewards = np.random.default_rng(0), [observation], []
    for _ in range(steps):
        observation, reward, *_ = env.step(rng.uniform(-1.0, 1.0, 4).astype(np.float32))
        seen.append(observation)
        rewards.append(reward)
    return np.array(seen), np.array(rewards)


@pytest.mark.slow
def test_an_episode_is_that_of_the_bare_benchmark_whatever_came_before(meta_world):
    import metaworld

    benchmark = metaworld.ML1("reach-v3", seed=0)
    bare, env = benchmark.train_classes["reach-v3"](), meta_world.MetaWorld("ML1", "reach-v3", 0)
    for number, goal in ((3, benchmark.train_tasks[3]), (70, benchmark.test_tasks[20]), (3, benchmark.train_tasks[3])):
        bare.set_task(goal)
        wanted = episode(bare, bare.reset()[0])
        found = episode(env, env.reset(options={"goal": number})[0])
        assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])
        assert not found[0][:, 36:].any()  # where the goal would be
    with pytest.raises(ValueError, match="goals 0 to 99"):
        env.reset(options={"goal": 100})


@pytest.mark.slow
def test_neighbours_are_of_different_environments_and_none_is_held_out_and_trained_on(meta_world):
    from metaworld import env_dict

    training, held_out, _ = meta_world.goals("ML10", "reach-v3", 0)
    assert [len(training), len(held_out)] == [500, 250]
    assert [goal.env_name for goal in training[:10]] == list(env_dict.ML10_V3["train"])
    assert [goal.env_name for goal in held_out[5:10]] == list(env_dict.ML10_V3["test"])
    assert len({goal.data for goal in training}) == 500


def test_success_is_told_by_environment(meta_world, tmp_path):
    shares = runpy.run_path(str(FOLDER / "held_out.py"))["shares"]
    told = {
        "tasks": [500, 501, 505, 749],
        "success_before": [[0.0], [1.0], [1.0], [0.0]],
        "success_after": [[1.0], [1.0], [1.0], [1.0]],
    }
    (tmp_path / "a.json").write_text(json.dumps(told))
    table = shares("ML10", [tmp_path / "a.json"])
    assert table["drawer-open-v3"].tolist() == [[0.5], [1.0]] and table["door-close-v3"].tolist() == [[1.0], [1.0]]
    assert table["lever-pull-v3"].tolist() == [[0.0], [1.0]] and len(table) == 3  # of the others no goal was tested
    (tmp_path / "b.json").write_text(json.dumps({**told, "tasks": [499, 501, 505, 749]}))
    with pytest.raises(SystemExit, match="task 499 is a goal to train on"):
        shares("ML10", [tmp_path / "b.json"])

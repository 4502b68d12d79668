"""Paths of several runs side by side."""

import pytest
from made_up import run_script, train

pytestmark = pytest.mark.usefixtures("scripts")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "suffix"), [("four_corners", "png"), ("navigation_2d", "pdf"), ("six_circles", "svg")]
)
def test_draws_each_family(task, suffix, tmp_path):
    train(tmp_path / "es.h5", task=task)
    train(tmp_path / "hc.h5", "adaptation.operator=hill_climbing", task=task)
    done = run_script("exploration.py", "es.h5", "hc.h5", "--output", f"paths.{suffix}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and (tmp_path / f"paths.{suffix}").stat().st_size > 10_000


def test_panels_show_what_is_tried_and_what_comes_of_it(runs, notes):
    import exploration
    from groups import group

    both = [runs["k4_1"], runs["k6_1"]]
    explored = [exploration.explore(run, "last", 2, notes.append) for run in both]
    fig = exploration.draw(explored, exploration.titles(group(both, notes.append), both))
    lines = [len([line for line in ax.get_lines() if line.get_alpha() is not None]) for ax in fig.axes]
    assert lines == [4 * 2 * 5, 4 * 2 * 7, 4 * 2, 4 * 2]  # tasks, repeats, queries with pivot; adapted policies
    assert fig.axes[1].get_title() == "queries = 6\niteration 4, 14 rollouts a task"
    assert len({ax.get_xlim() for ax in fig.axes}) == 1 and notes == []


@pytest.mark.parametrize("task", ["four_corners", "navigation_2d", "six_circles"])
def test_kept_paths_are_those_drawn(task, tmp_path, notes):
    import json

    import numpy as np
    from explored import DECIMALS, Explored, explore

    fresh = explore(train(tmp_path / "run.h5", task=task), "last", 1, notes.append, most=2)
    again = Explored.read(json.loads(json.dumps(fresh.kept())))
    assert again.kept() == fresh.kept() and len(fresh.tasks) == len(fresh.arena.wanted) == 2 < fresh.all_tasks
    assert (again.iteration, again.arena.reach, again.arena.limit) == (
        fresh.iteration,
        fresh.arena.reach,
        fresh.arena.limit,
    )
    for kept, own in zip((*again.tried[1], again.before), (*fresh.tried[1], fresh.before), strict=True):
        np.testing.assert_allclose(kept, own, atol=0.5 * 10**-DECIMALS)


def test_titles_tell_seeds_apart(runs, notes):
    from exploration import titles
    from groups import group

    both = [runs["k4_1"], runs["k4_2"]]
    assert titles(group(both, notes.append), both) == ["four_corners, seed 1", "four_corners, seed 2"]


def test_a_colour_is_named_by_the_tasks_of_all_panels(runs, tmp_path, notes):
    import exploration

    other = train(tmp_path / "other.h5", task="navigation_2d")
    fig = exploration.draw(
        [exploration.explore(run, "last", 1, notes.append) for run in (runs["k4_1"], other)], ["a", "b"]
    )
    names = [text.get_text() for text in fig.legends[0].get_texts()]
    first, second = runs["k4_1"].test_task_ids, other.test_task_ids
    assert len(first) == 4 < len(second)
    assert names[3:] == [*(f"task {a} / {b}" for a, b in zip(first, second, strict=False)), f"task {second[4]}"]


@pytest.mark.slow
def test_errors_are_one_line(tmp_path):
    train(tmp_path / "sine.h5", task="sinusoid")
    done = run_script("exploration.py", "sine.h5", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "not of sinusoid" in done.stderr
    done = run_script("exploration.py", *["x.h5"] * 7, cwd=tmp_path)
    assert done.returncode == 1 and "at most 6 fit side by side" in done.stderr

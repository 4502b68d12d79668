"""The campaign: every run once, resumed, and its summary kept."""

import pytest
from test_claims import EXPERIMENT

pytestmark = pytest.mark.usefixtures("scripts")


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A campaign of two points with two seeds; calling it gives the exit code."""
    import campaign
    import verdicts.points
    from papers import parts

    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "e.toml").write_text(EXPERIMENT)
    for module in (campaign, verdicts.points):
        monkeypatch.setattr(module, "CONFIGS", tmp_path / "configs")
    tested = parts.Part("K = 6 against 4", "e", "small", ("queries6",), ("queries4",))
    monkeypatch.setattr(campaign, "CLAIMS", (parts.Claim(1, "More.", "a paper", "1", "so", (tested,)),))
    monkeypatch.setattr(campaign, "ORDER", (("e", "small", "queries6"), ("e", "small", "*")))
    place = ["--results", str(tmp_path / "results"), "--summary", str(tmp_path / "c.json")]
    return lambda *more: campaign.main([*place, *more])


def test_runs_once_and_not_again_where_only_the_summary_is(two, tmp_path, capsys):
    import shutil

    from verdicts.summary import Summary

    assert two("--only", "seed 0") == 0
    said = capsys.readouterr().out
    assert (
        "2 runs, 0 done" in said
        and said.count("done after ") == 2
        and said.index("queries6 seed 0") < said.index("queries4 seed 0")
    )
    kept = Summary.read(tmp_path / "c.json")
    assert [(run.seed, run.iterations, run.places) for run in kept.runs] == [
        (0, 2, ["e/small/queries4"]),
        (0, 2, ["e/small/queries6"]),
    ]
    shutil.rmtree(tmp_path / "results")
    assert two() == 0
    assert "4 runs, 2 done" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "results").rglob("*.h5")} == {"queries4_seed1.h5", "queries6_seed1.h5"}
    assert two("--list") == 0
    assert capsys.readouterr().out.count("done  e/small/") == 4


def test_hours_are_a_limit_and_a_summary_that_nobody_names_goes(two, tmp_path):
    from dataclasses import replace

    from verdicts.summary import Summary

    assert two("--only", "queries6 seed 0") == 0
    kept = Summary.read(tmp_path / "c.json")
    Summary(kept.points, [*kept.runs, replace(kept.runs[0], config="old")]).write(tmp_path / "c.json")
    assert two("--hours", "0") == 75
    assert [run.config for run in Summary.read(tmp_path / "c.json").runs] == [kept.runs[0].config]


def test_of_an_unfinished_run_nothing_is_kept(two, tmp_path):
    from dataclasses import replace

    from verdicts.summary import Summary

    assert two("--only", "queries6 seed 0") == 0
    kept = Summary.read(tmp_path / "c.json")
    Summary(kept.points, [replace(kept.runs[0], seed=1, planned=9)]).write(tmp_path / "c.json")
    assert two("--list") == 0
    assert [run.seed for run in Summary.read(tmp_path / "c.json").runs] == [0]


def test_every_point_of_every_claim_has_its_place_in_the_order():
    pytest.importorskip("mujoco")
    import campaign
    from campaign_order import ORDER
    from claim_list import CLAIMS, named
    from verdicts.points import points_of

    notes = []
    points = points_of(named(CLAIMS), notes.append)
    assert notes == [] and {(p.experiment, p.size, p.name) for p in points} == named(CLAIMS)
    assert all(len(point.seeds) >= 5 for point in points)
    tasks = campaign.plan(points, ORDER)
    assert len({(*task.key, task.point.iterations) for task in tasks}) == len(tasks)

"""Claims: the rule of verdicts, runs found by their configuration, and the page made again from the summary."""

import json
import math
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import TINY, like, run_script, without_rows

import esmaml_mpi
from esmaml_mpi.sweeps.plan import Sweep

pytestmark = pytest.mark.usefixtures("scripts")

ROOT = Path(__file__).parents[2]
EXPERIMENT = """
[task]
name = "four_corners"
[policy]
hidden = [8]
[adaptation]
queries = 4
[meta]
iterations = 8
perturbations = 6
current_evaluations = 4
[test]
every = 2
repeats = 3
[sweep]
seeds = 2
[sweep.product]
adaptation.queries = [4, 6]
[sizes.small]
meta.iterations = 2
meta.sigma = 0.2
[sizes.short]
meta.iterations = 4
"""


def made(size, point, values, experiment="e", **series):
    """Runs of a point whose last test has these values, one a seed."""
    from claim_summary import Point, Run

    def run(seed, value):
        own = dict(iteration=[0, 10], rollouts=[0, 100], seconds=[0.0, 1.0], after=[0.0, value], before=[0.0, 0.0])
        names = dict(experiment=experiment, size=size, point=point, seed=seed, planned=10, file=f"{point}{seed}.h5")
        return Run(**names, commit="abc", config="0", series=own | series)

    return [Point(experiment, size, point, 10)], [run(seed, value) for seed, value in enumerate(values)]


def summary(*made_up):
    from claim_summary import Summary

    return Summary([point for points, _ in made_up for point in points], [run for _, runs in made_up for run in runs])


def judged(found, *parts, **claim):
    """The one claim with these parts."""
    from claim_list import Claim
    from claim_verdicts import judge

    (one,) = judge((Claim("It is so.", "a paper", parts, **claim),), found)
    return one


def part(points="a", against="b", **how):
    from claim_list import Part

    return Part("first against second", "e", tuple(points), tuple(against), **how)


HIGH, LOW, WIDE = [10.0, 11.0, 12.0, 11.5], [1.0, 2.0, 1.5, 1.2], [-40.0, 3.0, 60.0, 1.0]


def test_verdict_is_by_the_side_of_the_interval():
    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    cases = {"agrees": part(), "disagrees": part(above=False), "not resolved at this scale": part(against="c")}
    for verdict, tested in cases.items():
        assert judged(found, tested).verdict == verdict
    assert judged(found, part("b", "a", above=False)).verdict == "agrees"
    assert judged(found, part(against="x")).verdict == "not run"
    assert judged(found).verdict == "not run"


def test_threshold_is_subtracted_and_one_seed_resolves_nothing():
    found = summary(made("paper", "a", HIGH), made("paper", "b", [99.0]))
    assert judged(found, part(against="", threshold=9.0)).verdict == "agrees"
    assert judged(found, part(against="", threshold=11.0)).verdict == "not resolved at this scale"
    assert judged(found, part(against="", threshold=13.0)).verdict == "disagrees"
    assert judged(found, part("b", "")).verdict == "not resolved at this scale"
    assert judged(found, part("a", "b")).verdict == "not resolved at this scale"


def test_claim_agrees_if_all_parts_that_were_run_do():
    import claim_page

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    yes, no, open_, gone = part(), part(above=False), part(against="c"), part(against="x")
    for parts, verdict, counts in (
        ((yes, yes), "agrees", ""),
        ((yes, gone), "agrees", " (2 parts: 1 agrees, 1 not run)"),
        ((yes, open_), "not resolved at this scale", " (2 parts: 1 agrees, 1 not resolved)"),
        ((yes, no, open_), "disagrees", " (3 parts: 1 agrees, 1 disagrees, 1 not resolved)"),
        ((yes, replace(no, beside=True)), "agrees", ""),
    ):
        one = judged(found, *parts)
        assert (one.verdict, claim_page.counts(one)) == (verdict, counts)
    assert claim_page.counts(judged(found, yes, lacks="the other side")) == " (2 parts: 1 agrees, 1 not run)"


def test_interval_is_the_wider_of_bootstrap_and_welch():
    import bootstrap
    import claim_verdicts

    a, b = np.array([5.0, 6.0, 9.0]), np.array([4.9, 1.0, 3.0])
    (evidence,) = judged(summary(made("paper", "a", a), made("paper", "b", b)), part()).run
    # Both variances over 3, Welch's degrees of freedom, and Student's 97.5 % quantile of 3.9979 of them.
    squares = np.array([13 / 9, 3.8033333 / 3])
    freedom = squares.sum() ** 2 / (squares**2 / 2).sum()
    assert freedom == pytest.approx(3.983, abs=1e-3)
    low, high = claim_verdicts.welch_interval(a, b)
    assert (low + high) / 2 == pytest.approx(a.mean() - b.mean())
    assert (high - low) / 2 == pytest.approx(2.7804 * np.sqrt(squares.sum()), rel=1e-3)
    assert bootstrap.difference_interval(a, b)[0] > 0  # of three seeds the extremes bound it
    assert evidence.interval[0] == low < 0 and evidence.verdict == "not resolved at this scale"
    assert evidence.interval[1] >= max(high, bootstrap.difference_interval(a, b)[1])


def test_points_of_a_side_are_averaged_over_the_seeds_that_all_have():
    found = summary(made("paper", "a", [1.0, 2.0, 3.0]), made("paper", "c", [5.0, 8.0]), made("paper", "b", [0.0, 1.0]))
    (evidence,) = judged(found, part("ac", "b")).run
    assert evidence.a.tolist() == [3.0, 5.0] and evidence.difference == 3.5


def test_values_are_taken_at_equal_cost():
    early, late = [1.0, 8.0, 16.0], [0, 50, 200]
    slow = made("paper", "a", [0.0] * 2, iteration=[0, 5, 20], rollouts=late, after=early, before=[0.0, 1.0, 2.0])
    found = summary(slow, made("paper", "b", [2.0, 2.0]))
    (evidence,) = judged(found, part(at="rollouts")).run
    assert evidence.instant == 100 and evidence.a == pytest.approx(8 + 8 / 3) and evidence.b.tolist() == [2.0, 2.0]
    (gain,) = judged(found, part(at="rollouts", quantity="gain")).run
    assert gain.a == pytest.approx(8 + 8 / 3 - 4 / 3)
    (last,) = judged(summary(slow, made("paper", "b", [2.0] * 2, iteration=[0, 5])), part()).run
    assert last.instant == 5 and last.a.tolist() == [8.0, 8.0] and not last.complete
    (progress,) = judged(summary(slow), part(against="", quantity="progress")).run
    assert progress.a.tolist() == [15.0, 15.0]


@pytest.mark.parametrize(
    "at, own, other",
    [
        ("iteration", [0, 3, 6], [0, 4, 8]),  # of untrained policies nothing is claimed
        ("iteration", [7], [9]),  # as with test.every = 0
        ("rollouts", [10], [0, 5]),  # a score at 1,000 rollouts is none at 500
    ],
)
def test_runs_that_were_tested_at_no_common_instant_settle_nothing(at, own, other):
    def tested(iterations, values):
        costs = [100 * iteration for iteration in iterations]
        return dict(iteration=iterations, rollouts=costs, seconds=costs, after=values, before=values)

    a = made("paper", "a", HIGH, **tested(own, [50.0] * len(own)))
    b = made("paper", "b", LOW, **tested(other, [1.0] * len(other)))
    assert judged(summary(a, b), part(at=at)).verdict == "not run"


def test_between_two_costs_only_what_was_measured_around_them_counts():
    failed = made("paper", "a", [1.0], rollouts=[0, 200], after=[None, None])
    ended = made("paper", "a", [1.0, 2.0], rollouts=[0, 200], after=[1.0, None])
    cheap = made("paper", "b", [3.0, 5.0])
    assert judged(summary(failed, cheap), part(at="rollouts")).verdict == "not run"
    assert judged(summary(ended, cheap), part(at="rollouts")).verdict == "not run"


def test_failed_values_are_left_out():
    found = summary(made("paper", "a", [1.0, None, 3.0]), made("paper", "b", [None, None]))
    (evidence,) = judged(found, part(against="")).run
    assert evidence.a.tolist() == [1.0, 3.0]
    assert judged(found, part()).verdict == "not run"


def test_paper_size_comes_first_and_is_whole():
    a, b = made("small", "a", HIGH), made("small", "b", LOW)
    assert judged(summary(made("paper", "a", LOW), a, b), part()).run[0].size == "small"
    both = summary(made("paper", "a", LOW), made("paper", "b", HIGH), a, b)
    assert judged(both, part()).run[0].size == "paper" and judged(both, part()).verdict == "disagrees"
    assert judged(both, part(size="small")).verdict == "agrees"


def test_overview_tells_how_many_parts_stand_after_adjustment():
    import claim_page

    near = summary(made("paper", "a", [3.0, 5.0, 4.0]), made("paper", "b", [1.0, 2.2, 0.6]), made("paper", "c", HIGH))
    one = judged(near, part(), part("c", "b"), part("b", "a", above=False, beside=True))
    assert [each.verdict for each in one.run] == ["agrees"] * 3
    (row,) = claim_page.overview([one], [[0.06, 0.001, 0.001]]).rows
    assert row[-1] == "1 of 2" and row[-2] == "**agrees**" and "(paper, 3 or 4 seeds)" in row[3]
    assert claim_page.overview([judged(near)], [[]]).rows[0][-2:] == ("**not run**", "-")


def test_p_is_adjusted_for_all_parts_of_all_claims():
    import claim_verdicts
    import significance

    found = summary(made("paper", "a", HIGH), made("paper", "b", LOW), made("paper", "c", WIDE))
    several = [judged(found, part(), part(against="c")), judged(found), judged(found, part(against=""))]
    ps = claim_verdicts.adjusted(several)
    assert [len(own) for own in ps] == [2, 0, 1]
    raw = significance.welch(np.array(HIGH), np.array(LOW)).p
    t = np.mean(HIGH) / (np.std(HIGH, ddof=1) / 2)
    single = several[2].run[0].p
    student = (math.atan(t / 3**0.5) + t / 3**0.5 / (1 + t * t / 3)) * 2 / math.pi  # of three degrees of freedom
    assert single == pytest.approx(1 - student, rel=1e-6)
    assert min(ps[0][0], ps[2][0]) == pytest.approx(3 * min(raw, single))


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """An experiment of two points and two seeds in two sizes, claims about it, and runs of the small one."""
    import claim_list
    import claim_runs
    import claims

    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs" / "e.toml"
    path.write_text(EXPERIMENT)
    monkeypatch.setattr(claim_runs, "CONFIGS", path.parent)
    tested = claim_list.Part("K = 6 against 4", "e", ("queries6",), ("queries4",))
    found = claim_list.Part("K = 6", "e", ("queries6",), quantity="found", threshold=0.5, beside=True)
    monkeypatch.setattr(claims, "CLAIMS", (claim_list.Claim("More is | better.", "a paper", (tested, found)),))
    folder = tmp_path / "runs" / "of_any_name"
    folder.mkdir(parents=True)
    for i, run in enumerate(Sweep(path, "small").runs()):
        esmaml_mpi.train(run.config, output=folder / f"{i}.h5")
    return tmp_path


def test_page_made_from_the_summary_is_that_made_from_the_files(sweep, monkeypatch, capsys):
    import claims

    monkeypatch.chdir(sweep)
    assert claims.main(["runs", "--summary", "c.json", "--output", "c.md"]) == 0
    first = {name: (sweep / name).read_bytes() for name in ("c.md", "c.png", "c.json")}
    for name in ("c.md", "c.png"):
        (sweep / name).unlink()
    assert claims.main(["--summary", "c.json", "--output", "c.md"]) == 0
    assert {name: (sweep / name).read_bytes() for name in first} == first
    text = first["c.md"].decode()
    assert "e, small, queries6 | 0, 1 | 2 (8) |" in text and "`of_any_name/0.h5`" in text
    assert "meta.sigma = 0.2 (0.1)" in text and "--summary c.json --output c.md" in text
    assert "More is \\| better" in text and str(sweep) not in text
    out = capsys.readouterr()
    assert " 1. not resolved at this scale: More is | better." in out.out and out.err == ""


def collect(places, note=lambda text: None):
    import claim_runs

    return claim_runs.collect(places, {("e", "queries4"), ("e", "queries6")}, note)


def test_runs_are_told_by_their_configuration(sweep, notes):
    found = collect([sweep / "runs"], notes.append)
    assert [(run.point, run.seed, run.file) for run in found.runs] == [
        ("queries4", 0, "of_any_name/0.h5"),
        ("queries4", 1, "of_any_name/2.h5"),
        ("queries6", 0, "of_any_name/1.h5"),
        ("queries6", 1, "of_any_name/3.h5"),
    ]
    assert {run.size for run in found.runs} == {"small"} and notes == []
    longer = Sweep(sweep / "configs" / "e.toml", "small", ["meta.iterations=4", "sweep.seeds=[7]", "test.repeats=2"])
    longer = longer.runs()[0].config
    esmaml_mpi.train(longer, output=sweep / "longer.h5")
    esmaml_mpi.train({**TINY, "task": {"name": "sinusoid"}}, output=sweep / "other.h5")
    found = collect([sweep / "longer.h5", sweep / "other.h5"], notes.append)
    (run,) = found.runs
    assert (run.size, run.point, run.seed, run.iterations, run.file) == ("small", "queries4", 7, 4, "longer.h5")
    assert notes == ["1 results files are of no point that a claim names"]


def test_unfinished_broken_and_repeated_files(sweep, notes):
    folder = sweep / "runs" / "of_any_name"
    without_rows(folder / "0.h5", "test")
    (folder / "2.h5").write_bytes(b"nothing")
    (folder / "4.h5").write_bytes((folder / "1.h5").read_bytes())
    found = collect([folder], notes.append)
    assert [run.point for run in found.runs] == ["queries6", "queries6"]
    assert len(notes) == 3 and "not been tested" in notes[0] and "2.h5" in notes[1]
    assert notes[2] == "1.h5 and 4.h5 are the same run; the longer one counts"


def test_of_sizes_that_differ_in_length_alone_the_nearest_counts(sweep):
    path = sweep / "configs" / "e.toml"
    for seed, iterations in enumerate((3, 4, 5, 7)):
        (run,) = Sweep(path, "paper", [f"meta.iterations={iterations}", f"sweep.seeds=[{seed}]"]).runs()[:1]
        esmaml_mpi.train(run.config, output=sweep / "runs" / f"{iterations}_{seed}.h5")
    found = collect([sweep / "runs"])
    assert [run.iterations for run in found.of("e", "short", "queries4")] == [3, 4, 5]
    assert [run.iterations for run in found.of("e", "paper", "queries4")] == [7]
    assert found.sizes("e") == ["paper", "small", "short"] and len(found.of("e", "small", "queries4")) == 2


def test_the_longer_of_two_runs_of_a_seed_counts(sweep):
    run = Sweep(sweep / "configs" / "e.toml", "small", ["meta.iterations=4"]).runs()[0]
    for name in ("0_before.h5", "of_any_name/9.h5"):
        esmaml_mpi.train(run.config, output=sweep / "runs" / name)
        assert [each.iterations for each in collect([sweep / "runs"]).of("e", "small", "queries4")] == [4, 2]
        (sweep / "runs" / name).unlink()


def test_an_experiment_that_cannot_be_resolved_is_left_out(sweep, notes):
    (sweep / "configs" / "e.toml").write_text("[task]\nname = 'no such family'\n")
    assert collect([sweep / "runs"], notes.append).runs == []
    assert "no such family" in notes[0]


def test_numbers_of_a_run(runs):
    import claim_runs

    returns = np.full((3, 4, 3), -400.0)
    returns[1, 0, 0], returns[1, 1, :2], returns[2, :, 0], returns[2, 0, 1] = -399.5, -9000.0, -50.0, np.nan
    said = []
    found = claim_runs._series(like(runs["k4_1"], 1, test={"after": returns}), said.append)
    assert found["found"].tolist() == [0, pytest.approx(1 / 12), pytest.approx(4 / 11)]
    assert found["harmed"].tolist() == [0, pytest.approx(2 / 12), 0]
    assert found["after"][1] == pytest.approx(returns[1].mean()) and len(said) == 1
    assert found["rollouts"][0] == 0 and found["rollouts"][-1] == runs["k4_1"].history["train"]["rollouts"].sum()
    assert claim_runs._short(float("nan")) is None and claim_runs._short(1 / 3) == 0.33333333


def test_solved_is_visiting_every_goal_that_is_wanted(monkeypatch):
    import claim_runs

    from esmaml_mpi.tasks import make_family

    family = make_family("six_circles", 200, {"goals": 3, "subset": 2})

    class Stub:
        def __init__(self, results, at, tasks, adaptations, phase):
            self.lab = type("Lab", (), {"task_table": np.array([[1, 1, 0], [0, 1, 1.0]]).T})

        def paths(self, when):
            a, b, c = family.centres
            near = np.array([0.05, 0.0])
            return [[np.array([a, b + near]), np.array([a, c])], [np.array([c, b]), np.array([b, c + 3 * near])]]

    monkeypatch.setattr(claim_runs, "Behaviour", Stub)
    run = type("Run", (), {"test_task_ids": [0, 1], "config": esmaml_mpi.load_config({"test": {"repeats": 2}})})
    assert claim_runs._solved(run, family, 5, None) == 0.5


@pytest.mark.parametrize("algorithm", ["zero_order", "first_order"])
def test_rollouts_of_an_iteration_are_those_of_a_run(algorithm):
    import claim_runs

    run = esmaml_mpi.train({**TINY, "task": {"name": "four_corners"}}, [f"meta.algorithm={algorithm}"])
    assert set(run.history["train"]["rollouts"].tolist()) == {claim_runs.rollouts_per_iteration(run.config)}


def test_every_claim_names_points_that_there_are():
    pytest.importorskip("mujoco")
    import series
    from claim_list import CLAIMS
    from claim_verdicts import QUANTITIES

    points = {}
    for tested in (tested for claim in CLAIMS for tested in claim.parts):
        path = ROOT / "configs" / f"{tested.experiment}.toml"
        sizes = {"paper", *tomllib.loads(path.read_text()).get("sizes", {})}
        assert tested.size in {"", *sizes}
        size = tested.size or "paper"
        if (path, size) not in points:
            points[path, size] = {run.point for run in Sweep(path, size).runs()}
        assert points[path, size] >= {*tested.points, *tested.against}, tested
        assert tested.quantity in QUANTITIES and tested.at in series.COSTS and tested.points
    assert all(claim.parts or claim.lacks for claim in CLAIMS)
    assert len({claim.words for claim in CLAIMS}) == len(CLAIMS)


def test_nothing_run_is_no_error(tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "empty.json").write_text(json.dumps({"format": 1, "points": [], "runs": []}))
    done = run_script("claims.py", "--summary", "empty.json", "--output", "c.md", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    text = (tmp_path / "c.md").read_text()
    assert text.count("**not run**") >= 20 and "agrees**" not in text.split("## How")[0]
    assert not (tmp_path / "c.png").exists() and "c.png" not in text


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--output", "c.md"], "results files or folders are wanted"),
        (["no_such_folder"], "does not exist"),
        (["--summary", "no.json"], "cannot read no.json"),
        (["--summary", "bad.json"], "is no summary"),
        (["--summary", "old.json"], "format 0"),
    ],
)
def test_mistakes_are_one_line(tmp_path, arguments, said):
    (tmp_path / "bad.json").write_text("[]")
    (tmp_path / "old.json").write_text('{"format": 0, "points": [], "runs": []}')
    done = run_script("claims.py", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr

"""Claims: runs found by their configuration, and the page made again from the summary."""

import json
import tomllib
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
            self.setup = type("Lab", (), {"task_table": np.array([[1, 1, 0], [0, 1, 1.0]]).T})

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


@pytest.mark.slow
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


@pytest.mark.slow
def test_nothing_run_is_no_error(tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "empty.json").write_text(json.dumps({"format": 1, "points": [], "runs": []}))
    done = run_script("claims.py", "--summary", "empty.json", "--output", "c.md", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    text = (tmp_path / "c.md").read_text()
    assert text.count("**not run**") >= 20 and "agrees**" not in text.split("## How")[0]
    assert not (tmp_path / "c.png").exists() and "c.png" not in text


@pytest.mark.slow
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

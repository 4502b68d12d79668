"""Claims: runs found by their configuration, and the page made again from the summary."""

import json
import re
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
    import claims
    import verdicts.points
    from papers import parts

    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs" / "e.toml"
    path.write_text(EXPERIMENT)
    monkeypatch.setattr(verdicts.points, "CONFIGS", path.parent)
    tested = parts.Part("K = 6 against 4", "e", "small", ("queries6",), ("queries4",))
    found = parts.Part("K = 6", "e", "small", ("queries6",), quantity="found", threshold=0.5, beside=True)
    claim = parts.Claim(1, "More is | better.", "a paper", "2", "by reward", (tested, found))
    monkeypatch.setattr(claims, "CLAIMS", (claim,))
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
    first["c_curves/01.png"] = (sweep / "c_curves" / "01.png").read_bytes()
    for name in ("c.md", "c.png", "c_curves/01.png"):
        (sweep / name).unlink()
    assert claims.main(["--summary", "c.json", "--output", "c.md"]) == 0
    assert {name: (sweep / name).read_bytes() for name in first} == first
    assert claims.main(["runs", "--summary", "c.json", "--output", "c.md"]) == 0  # its own files are replaced
    assert {name: (sweep / name).read_bytes() for name in first} == first
    text = first["c.md"].decode()
    assert "e, small, queries6 | 0, 1 | 2 (8) |" in text and "[curves](c_curves/01.png)" in text
    assert "meta.sigma = 0.2 (0.1)" in text and "--summary c.json --output c.md" in text
    assert "More is \\| better" in text and str(sweep) not in text
    out = capsys.readouterr()
    assert " 1. not resolved: More is | better." in out.out and out.err == ""


def collect(places, note=lambda text: None):
    import verdicts.runs

    wanted = {("e", size, name) for size in ("paper", "small", "short") for name in ("queries4", "queries6")}
    return verdicts.runs.collect(places, wanted, note)


def test_runs_are_told_by_their_configuration(sweep, notes):
    found = collect([sweep / "runs"], notes.append)
    assert [(run.places, run.seed) for run in found.runs] == [
        (["e/small/queries4"], 0),
        (["e/small/queries4"], 1),
        (["e/small/queries6"], 0),
        (["e/small/queries6"], 1),
    ]
    assert notes == []
    longer = Sweep(sweep / "configs" / "e.toml", "small", ["meta.iterations=4", "sweep.seeds=[7]", "test.repeats=2"])
    longer = longer.runs()[0].config
    esmaml_mpi.train(longer, output=sweep / "longer.h5")
    esmaml_mpi.train({**TINY, "task": {"name": "sinusoid"}}, output=sweep / "other.h5")
    found = collect([sweep / "longer.h5", sweep / "other.h5"], notes.append)
    (run,) = found.runs
    assert (run.places, run.seed, run.iterations) == (["e/small/queries4"], 7, 4)
    assert notes == ["1 results files are of no point that a claim names"]


def test_unfinished_broken_and_repeated_files(sweep, notes):
    folder = sweep / "runs" / "of_any_name"
    without_rows(folder / "0.h5", "test")
    (folder / "2.h5").write_bytes(b"nothing")
    (folder / "4.h5").write_bytes((folder / "1.h5").read_bytes())
    found = collect([folder], notes.append)
    assert [run.places for run in found.runs] == [["e/small/queries6"]] * 2
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
    assert len(found.of("e", "small", "queries4")) == 2


def test_the_longer_of_two_runs_of_a_seed_counts(sweep):
    run = Sweep(sweep / "configs" / "e.toml", "small", ["meta.iterations=4"]).runs()[0]
    for name in ("0_before.h5", "of_any_name/9.h5"):
        esmaml_mpi.train(run.config, output=sweep / "runs" / name)
        assert [each.iterations for each in collect([sweep / "runs"]).of("e", "small", "queries4")] == [4, 2]
        (sweep / "runs" / name).unlink()


def test_an_experiment_that_cannot_be_resolved_is_left_out(sweep, notes):
    (sweep / "configs" / "e.toml").write_text(EXPERIMENT.replace('"four_corners"', "'no such family'"))
    assert collect([sweep / "runs"], notes.append).runs == []
    assert "no such family" in notes[0]


def test_numbers_of_a_run(runs):
    import verdicts.runs

    returns = np.full((3, 4, 3), -400.0)
    returns[1, 0, 0], returns[1, 1, :2], returns[2, :, 0], returns[2, 0, 1] = -399.5, -9000.0, -50.0, np.nan
    said = []
    found = verdicts.runs._series(like(runs["k4_1"], 1, test={"after": returns}), said.append)
    assert found["found"].tolist() == [0, pytest.approx(1 / 12), pytest.approx(4 / 11)]
    assert found["harmed"].tolist() == [0, pytest.approx(2 / 12), 0]
    assert found["after"][1] == pytest.approx(returns[1].mean()) and len(said) == 1
    before = runs["k4_1"].history["test"]["before"]
    assert found["worsened"][1] == pytest.approx((returns[1] < before[1]).mean())
    assert found["rollouts"][0] == 0 and found["rollouts"][-1] == runs["k4_1"].history["train"]["rollouts"].sum()
    assert verdicts.runs._short(float("nan")) is None and verdicts.runs._short(1 / 3) == 0.33333


@pytest.mark.parametrize("algorithm", ["zero_order", "first_order"])
def test_rollouts_of_an_iteration_are_those_of_a_run(algorithm):
    import verdicts.points

    run = esmaml_mpi.train({**TINY, "task": {"name": "four_corners"}}, [f"meta.algorithm={algorithm}"])
    assert set(run.history["train"]["rollouts"].tolist()) == {verdicts.points.rollouts_per_iteration(run.config)}


def test_the_list_has_every_claim_and_says_what_is_measured():
    import series
    from claim_list import CLAIMS
    from verdicts.quantities import QUANTITIES

    assert [claim.number for claim in CLAIMS] == list(range(1, 25))
    for claim in CLAIMS:
        assert claim.section and claim.measured and (claim.parts or claim.computed)
        assert bool(claim.why) == bool(claim.found) == any(t.about.startswith("Why: ") for t in claim.parts)
        for tested in claim.parts:
            assert tested.quantity in QUANTITIES and tested.at in series.COSTS and tested.points
            assert bool(tested.margin) == (tested.claimed in ("equal", "not below", "not above"))
            text = (ROOT / "configs" / f"{tested.experiment}.toml").read_text()
            comment = text.split("[run]")[0]
            numbers = re.search(r"^# Claims? ((?:\d+|, | and )+)", comment, re.MULTILINE)
            assert str(claim.number) in re.findall(r"\d+", numbers[1]), (
                f"{tested.experiment} says nothing of {claim.number}"
            )


def test_the_page_is_what_the_committed_summary_gives(tmp_path, monkeypatch):
    import claims

    (tmp_path / "docs").mkdir()
    for name in ("claims.json", "claims_paths.json", "claims.md"):
        (tmp_path / "docs" / name).write_bytes((ROOT / "docs" / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert claims.main(["--summary", "docs/claims.json", "--output", "docs/claims.md"]) == 0
    made = (tmp_path / "docs" / "claims.md").read_text()
    assert made == (ROOT / "docs" / "claims.md").read_text(), (
        "esmaml claims --summary docs/claims.json --output docs/claims.md"
    )
    for picture in re.findall(r"\]\((claims[^)]*png)\)", made):
        assert (ROOT / "docs" / picture).is_file()


@pytest.mark.slow
def test_nothing_run_is_no_error(tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "empty.json").write_text(json.dumps({"format": 3, "points": [], "runs": []}))
    done = run_script("claims.py", "--summary", "empty.json", "--output", "c.md", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    text = (tmp_path / "c.md").read_text()
    assert text.count("**not run**") >= 20 and (tmp_path / "c.png").exists()
    figures = re.findall(r"^\| (A?\d\w?)[^|]* \| \[\d", text, re.MULTILINE)
    assert list(dict.fromkeys(figures)) == ["1a", "1b", "2", "3", "4", "5", "A1", "A2", "A3", "A4", "A5"]
    assert not (tmp_path / "c_curves").exists()


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

"""The HTML page: well-formed, alone in the world, and complete."""

from html.parser import HTMLParser

import numpy as np
import pytest
from made_up import LAUNCH, like, only_end, run_script, train, without_rows

pytestmark = pytest.mark.usefixtures("scripts")

VOID = {"meta", "img"}
SECTIONS = [
    "Final scores",
    "Learning curves",
    "Comparison",
    "During one adaptation",
    "Exploration",
    "Where the time goes",
    "Failures, redraws and recoveries",
    "Settings and provenance",
]


FRESH = ("During one adaptation", "Exploration")


class Checked(HTMLParser):
    """Reads a page; tags must match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.pictures, self.headings, self.tags, self.anchors, self.ids = [], [], [], [], [], set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "svg":
            self.pictures.append(attrs)
        if "id" in attrs:
            assert attrs["id"] not in self.ids, "figures share no names"
            self.ids.add(attrs["id"])
        for name in ("src", "href"):
            assert attrs.get(name, "data:").startswith(("data:", "#"))
        self.anchors += [attrs["href"]] if tag == "a" else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["h2"]:
            self.headings.append(data)


@pytest.mark.slow
def test_page_of_a_sweep(runs, tmp_path):
    files = [results.path for results in runs.values()]
    done = run_script("report.py", *files, "--repeats", "1", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "report.html\n", done.stderr
    assert done.stderr == ""
    text = (tmp_path / "report.html").read_text()
    page = Checked(text)
    assert page.headings == SECTIONS and len(page.anchors) == len(SECTIONS)
    assert page.tags.count("script") == 1 and "link" not in page.tags and "img" not in page.tags
    assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "SVG's name, which nobody fetches"
    assert len(page.pictures) == 5 and page.tags.count("details") == 1 + len(files)
    assert all(picture["aria-label"] for picture in page.pictures)
    assert "<td>adaptation.queries</td><td>4</td><td>6</td>" in text and "Not shown" not in text
    assert "cannot be told: 3 against 1 seeds" in text and "[adaptation]" in text


def build(runs, rollouts=True):
    import report

    text = report.build(runs, "ci", 1, rollouts).html()
    Checked(text)
    return text


def test_a_running_file_without_tests_is_still_told_of(runs, tmp_path):
    import esmaml_mpi

    path = tmp_path / "young.h5"
    path.write_bytes(runs["k4_1"].path.read_bytes())
    without_rows(path, "test")
    text = build([esmaml_mpi.read_results(path)])
    assert text.count("Not shown: no run has been tested yet.") == 4
    assert f"<td>{path}</td>" in text and text.count("<svg") == 1


@pytest.mark.slow
def test_files_that_cannot_be_read_are_told_of(runs, tmp_path):
    (tmp_path / "cut.h5").write_bytes(runs["k4_2"].path.read_bytes()[:20_000])
    done = run_script("report.py", runs["k4_1"].path, "cut.h5", "--stored", cwd=tmp_path)
    assert done.returncode == 0 and "report: left out: cannot read results file cut.h5" in done.stderr
    text = (tmp_path / "report.html").read_text()
    left = [name for name in SECTIONS if name not in (*FRESH, "Comparison")]
    assert Checked(text).headings == [*left, "Left out"]
    assert "<li>cannot read results file cut.h5: it is damaged" in text
    done = run_script("report.py", "cut.h5", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.endswith("to another --output.\n")


def test_a_file_that_another_program_has_changed_is_shown_and_named(runs, tmp_path):
    import h5py

    (tmp_path / "changed.h5").write_bytes(runs["k4_2"].path.read_bytes())
    with h5py.File(tmp_path / "changed.h5", "r+") as file:
        file.attrs["note"] = "mine"
    done = run_script("report.py", "changed.h5", "--stored", cwd=tmp_path)
    assert done.returncode == 0 and "report: changed.h5: another program has changed this file" in done.stderr
    page = Checked(text := (tmp_path / "report.html").read_text())
    assert page.headings[-1] == "Changed since they were written" and "changed.h5 --repair` has accepted it" in text
    done = run_script("final_scores.py", "changed.h5", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr.startswith("final_scores: changed.h5: another program")


def test_curves_that_cannot_be_drawn_leave_the_others(runs):
    text = build([only_end(runs["k4_1"], seed, seed) for seed in (1, 2)], rollouts=False)
    assert "Not shown: the runs of four_corners have no wall-clock time (s) in common" in text
    assert 'aria-label="Learning curves of four_corners"' in text


@pytest.mark.slow
def test_families_are_not_mixed_either_and_regression_has_no_paths(runs, tmp_path):
    text = build([runs["k4_1"], train(tmp_path / "sine.h5", task="sinusoid")])
    assert "sinusoid: its observations have no positions to draw" in text
    assert text.count("one group, so there is nothing to compare") == 2


def test_rewards_of_other_options_are_not_mixed(runs):
    text = build([runs["k4_1"], like(runs["k4_1"], 2, "task.options.penalty=7")], rollouts=False)
    assert [f"<span>four_corners, penalty&nbsp;=&nbsp;{n}: test reward" in text for n in (0, 7)] == [True, True]
    assert text.count('label="Learning curves of four_corners, penalty = ') == 2


def test_a_single_run_has_one_figure_of_curves_and_no_table_without_rows(runs):
    text = build([runs["k4_1"]], rollouts=False)
    page = Checked(text)
    (curves,) = [each for each in page.pictures if each["aria-label"].startswith("Learning curves")]
    assert curves["aria-label"] == "Learning curves of four_corners, before and after adaptation"
    assert "Comparison" not in page.headings and f"<title>Report on {runs['k4_1'].path}</title>" in text
    assert "95&nbsp;% low" not in text and "% low" not in text, "an interval of one seed is unknown"
    assert int(curves["width"]) < 1000, "one panel"
    assert "<tbody></tbody>" not in text.replace("\n", "") and "All settings in which groups differ" not in text
    assert "later ones resumed it" not in text


def test_numbers_of_the_page_are_those_of_the_script(runs, capsys):
    import adaptation_curves
    import report

    parsers = (module.make_parser() for module in (report, adaptation_curves))
    assert len({parser.parse_args(["run.h5"]).repeats for parser in parsers}) == 1
    (drawn,) = adaptation_curves.curves(report.group([runs["k4_1"]], print), "last", 2, print)
    table = adaptation_curves.table([drawn])
    assert len(set(table.columns)) == len(table.columns) and "2 of each task" in table.title
    assert table.rows[0][-1] == pytest.approx(drawn.rewards[0, -1].mean())


def test_many_pairs_are_paged(tmp_path, monkeypatch):
    from pathlib import Path

    import comparison

    pages = comparison._pages(Path("comparison.png"), 435)
    assert [str(place) for place, _ in pages[:2]] == ["comparison.png", "comparison-2.png"]
    shown = [i for _, part in pages for i in range(435)[part]]
    assert shown == list(range(435)) and max(part.stop - part.start for _, part in pages) <= comparison.MOST_ON_A_PAGE
    assert len(comparison._pages(Path("x.png"), 40)) == 1


def test_incidents_are_told(runs):
    import provenance_tables

    after = runs["k4_1"].history["test"]["after"]
    after[0, 1, 1] = np.nan
    run = like(
        runs["k4_1"],
        7,
        launches=[LAUNCH, {**LAUNCH, "launch_id": "1"}],
        test={"after": after},
        train={"failed_units": [0, 2, 1, 0], "redraws": [0, 1, 0, 0], "seconds": np.ones(4)},
    )
    (row,) = provenance_tables.incidents([run]).rows
    assert row[1:] == (4, 4, 3, 1, 1, 0, 0, 0, 1, 4.0)
    shared, apart = provenance_tables.launches([run])
    assert ("ranks", "1") in shared.rows and apart.columns == ("run", "launch", "launch_id")
    assert [row[1:] for row in apart.rows] == [(0, "0"), (1, "1")]


def test_provenance_is_escaped(runs):
    launches = [{**LAUNCH, "command": "<script>alert(1)</script>"}]
    text = build([like(runs["k4_1"], 1, "run.name=<script>", launches=launches)], False)
    assert "<script>" not in text and text.count("&lt;script&gt;") >= 3
    assert "During one adaptation" not in text


def test_no_such_folder_is_one_line(runs, tmp_path):
    done = run_script("report.py", runs["k4_1"].path, "--output", "no/report.html", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "does not exist" in done.stderr

"""A summary's files: what is read is what was written, and small."""

import json
from dataclasses import asdict, replace

import pytest

from esmaml_mpi.errors import UserError

pytestmark = pytest.mark.usefixtures("scripts")


@pytest.fixture
def summary():
    """Two runs, the first with paths; series with even and uneven steps, and with a missing number."""
    from verdicts.summary import Point, Run, Summary

    series = {
        "iteration": [0, 20, 40, 60],
        "rollouts": [0, 10, 25, 30],
        "seconds": [0.0, 0.1, 0.2, 0.30000000000000004],
        "harmed": [0.0, 0.0, 0.0, 0.0],
        "after": [-1.5, None, 2.0, 3.0],
    }
    short = {"iteration": [0, 9], "after": [1.0, 2.0]}
    point = Point("e", "small", "a", "c0", 60, [0, 1], {"meta.sigma": "1"}, None, 8)
    runs = [
        Run(["e/small/a"], "c0", 0, 60, "abc", 0.1, series, {"before": [[0.0, 0.25]]}),
        Run(["e/small/a"], "c0", 1, 9, "abc", 0.0, short),
    ]
    return Summary([point], runs)


def test_what_is_read_is_what_was_written(summary, tmp_path):
    from verdicts.summary import Summary, paths_file

    summary.write(tmp_path / "c.json")
    read = Summary.read(tmp_path / "c.json")
    assert read == summary
    kinds = [[type(value) for value in run.series[name]] for run in read.runs for name in run.series]
    assert kinds == [[type(value) for value in run.series[name]] for run in summary.runs for name in run.series]
    own, beside = json.loads((tmp_path / "c.json").read_text()), json.loads((tmp_path / "c_paths.json").read_text())
    assert paths_file(tmp_path / "c.json") == tmp_path / "c_paths.json" and len(beside["paths"]) == 1
    assert (
        own["runs"][0]["series"]["iteration"] == {"first": 0, "step": 20, "count": 4} and "paths" not in own["runs"][0]
    )
    assert own["runs"][0]["series"]["rollouts"] == [0, 10, 25, 30]


def test_without_its_paths_a_summary_can_be_read(summary, tmp_path):
    from verdicts.summary import Summary

    summary.write(tmp_path / "c.json")
    (tmp_path / "c_paths.json").unlink()
    assert [run.paths for run in Summary.read(tmp_path / "c.json").runs] == [None, None]


def test_a_broken_file_of_paths_is_named(summary, tmp_path):
    from verdicts.summary import Summary

    summary.write(tmp_path / "c.json")
    for text in ("{", "[]", '{"format": 3}', '{"format": 3, "paths": [{}]}', '{"format": 3, "paths": 1}'):
        (tmp_path / "c_paths.json").write_text(text)
        with pytest.raises(UserError, match=r"c_paths\.json is no summary"):
            Summary.read(tmp_path / "c.json")


def test_a_summary_of_the_format_before_can_be_read(summary, tmp_path):
    from verdicts.summary import Summary

    tables = {"format": 2, "points": list(map(asdict, summary.points)), "runs": list(map(asdict, summary.runs))}
    (tmp_path / "c.json").write_text(json.dumps(tables))
    assert Summary.read(tmp_path / "c.json") == summary


def test_paths_that_are_no_longer_there_are_not_read(summary, tmp_path):
    from verdicts.summary import Summary

    summary.write(tmp_path / "c.json")
    without = Summary(summary.points, [replace(run, paths=None) for run in summary.runs])
    without.write(tmp_path / "c.json")
    assert Summary.read(tmp_path / "c.json") == without

"""``esmaml info``: what it says is what is in the file."""

import json
import tomllib

import numpy as np
import pytest
from runs import SETTINGS, finished, make_incomplete

from esmaml_mpi.commands import main as cli
from esmaml_mpi.reports.summary import RECENT, summarize
from esmaml_mpi.reports.text import in_lines
from esmaml_mpi.results.history import History
from esmaml_mpi.results.lock import OutputLock
from esmaml_mpi.results.reader import read


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("info") / "run.h5"
    finished(path)
    return path


def _info(capsys, *arguments):
    code = cli.main(["info", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_facts_are_those_of_the_series(path):
    results = read(path)
    summary, test, train = summarize(results), results.history["test"], results.history["train"]
    means = test["after"].mean(axis=(1, 2))
    best = int(np.argmax(means))
    assert summary["state"]["kind"] == "complete" and summary["state"]["iteration"] == 5
    assert summary["tests"]["best"]["iteration"] == test["iteration"][best]
    assert summary["tests"]["best"]["after"] == pytest.approx(means[best])
    assert summary["tests"]["first"]["before"] == pytest.approx(test["before"][0].mean())
    assert summary["tests"]["last"]["iteration"] == 5
    assert summary["time"]["iterations_per_second"] == pytest.approx(5 / train["seconds"].sum())
    assert summary["time"]["rollouts"] == train["rollouts"].sum()
    assert sum(summary["time"]["spent"].values()) == pytest.approx(summary["time"]["seconds"])
    assert summary["time"]["seconds_left"] == 0
    assert summary["trouble"]["evaluations"] == 5 * 7 and summary["trouble"]["failed_evaluations"] == 0
    assert summary["policy"]["parameters"] == 6 and summary["rollouts_per_adaptation"] == 3
    changed = {f"{section}.{key}": value for section, table in SETTINGS.items() for key, value in table.items()}
    assert {key: values["value"] for key, values in summary["not_default"].items()} == changed


def test_trouble_and_recent_rate(path):
    results = read(path)
    rows, history = results.history, History()
    many = RECENT + 10
    for group in ("train", "timing"):
        for i in range(many):
            row = {name: column[i % 5] for name, column in rows[group].items()} | {"iteration": i}
            if group == "train":
                row |= {"seconds": 10.0 if i < 10 else 0.5, "failed_units": 1, "redraws": i % 2}
            history.append(group, **row)
    history.append("recovery", iteration=3, ranks_lost=2, ranks_left=4, aggregator_lost=0, seconds=0.1)
    failed = dict.fromkeys(("before", "after", "success_before", "success_after"), np.full((4, 2), np.nan))
    history.append("test", iteration=0, **failed)
    results.history = history
    summary = summarize(results)
    assert summary["time"]["iterations_per_second"] == pytest.approx(2.0)
    assert summary["trouble"] == {
        "evaluations": many * 7,
        "failed_evaluations": many,
        "redraws": many // 2,
        "failed_test_adaptations": 8,
        "recoveries": 1,
        "ranks_lost": 2,
    }
    assert "best" not in summary["tests"] and summary["tests"]["last"]["after"] is None
    text = in_lines(summary)
    assert "1 recovery from 2 lost ranks" in text and "60 of 420 evaluations failed" in text and "failed\n" in text


def test_lines_fit_a_terminal(path):
    summary = summarize(read(path))
    lines = in_lines(summary, 80).splitlines()
    assert max(map(len, lines)) <= 80 < max(map(len, in_lines(summary).splitlines()))
    assert " ".join(" ".join(lines).split()) == " ".join(in_lines(summary).split())  # nothing is lost
    assert not any(line[11].strip() for line in lines[1:])  # in two columns


def test_a_narrow_terminal_has_a_test_on_one_line(path):
    summary = summarize(read(path))
    lines = in_lines(summary, 40).splitlines()
    last = summary["tests"]["last"]
    said = f"last  {last['iteration']}: {last['before']:.2f} -> {last['after']:.2f}"
    assert " " * 12 + said in lines and max(map(len, lines[1:])) <= 40  # the first is a path


def test_a_running_file(tmp_path, capsys):
    path = tmp_path / "run.h5"
    finished(path)
    make_incomplete(path)
    assert "incomplete, iteration 5 of 9" in _info(capsys, path)[1]
    lock = OutputLock(path)
    lock.acquire()
    try:
        code, out, _ = _info(capsys, path)
    finally:
        lock.release()
    words = " ".join(out.split())
    assert code == 0 and "running, iteration 5 of 9" in words and "by process" in words and " left" in words


def test_a_file_without_rows(tmp_path, capsys):
    path = tmp_path / "run.h5"
    finished(path, ["meta.iterations=0", "test.every=0"])
    results = read(path)
    results.history = History()
    assert "no test yet" in in_lines(summarize(results))
    code, out, _ = _info(capsys, path)
    assert code == 0 and "complete, iteration 0 of 0" in out


SHOWN = {40: (("last", "after"),), 80: (("last", "before"), ("last", "after"), ("best", "after"))}


@pytest.mark.parametrize("columns", [40, 80])
def test_several_files_are_a_table(path, tmp_path, capsys, monkeypatch, columns):
    """Columns of what `esmaml info FILE` says of each, in the width of the terminal; what cannot be read is said."""
    monkeypatch.setenv("COLUMNS", str(columns))
    other, long = tmp_path / "other.h5", tmp_path / f"{'a_long_name_' * 6}.h5"
    for copy in (other, long):
        copy.write_bytes(path.read_bytes())
    make_incomplete(other)
    bad = tmp_path / "bad.h5"
    bad.write_bytes(b"nothing")
    code, out, err = _info(capsys, other, long, bad)
    assert code == 1 and err.startswith("esmaml: ") and "bad.h5" in err
    lines = out.splitlines()
    assert lines[0] == f"in {tmp_path}:" and all(len(line) <= columns for line in lines[1:] if long.name not in line)
    for place, name, state in ((other, "other.h5", "incomplete"), (long, long.name, "complete")):
        at = next(i for i, line in enumerate(lines) if line.startswith(name))
        words = lines[at].split()[1:] or lines[at + 1].split()
        tests = summarize(read(place))["tests"]
        rewards = [f"{tests[which][key]:.2f}" for which, key in SHOWN[columns]]
        assert words[:1] == [state] and words[2 : 2 + len(rewards)] == rewards
        assert columns < 80 or int(words[5]) == tests["best"]["iteration"]
    heads = {80: "run state iteration before after best at left", 40: "state iteration after"}
    assert lines[1].split() == heads[columns].split()
    code, out, _ = _info(capsys, other, long, "--json")
    assert code == 0 and [each["file"] for each in json.loads(out)] == [str(other), str(long)]
    assert _info(capsys, other, long, "--config")[0] == 2


def test_json_and_config(path, capsys):
    code, out, _ = _info(capsys, path, "--json")
    assert code == 0 and json.loads(out, parse_constant=pytest.fail) == summarize(read(path))
    code, out, _ = _info(capsys, path, "--config")
    assert code == 0 and tomllib.loads(out) == read(path).config.to_dict()


def test_options_of_a_family_are_compared_with_its_own(tmp_path, capsys):
    path = tmp_path / "run.h5"
    overrides = ["task.options.variant=promp", "adaptation.operator=hill_climbing", "task.horizon=3"]
    finished(path, overrides)
    changed = summarize(read(path))["not_default"]
    assert changed["task.options.position_limit"] == {"default": 5.0, "value": "inf"}
    assert changed["adaptation.operator"] == {"default": "es_gradient", "value": "hill_climbing"}
    assert "task.options.penalty" not in changed and "task.horizon" not in changed
    assert _info(capsys, path, "--json")[0] == 0


@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_no_results_file_is_one_line(tmp_path, capsys, content):
    path = tmp_path / "run.h5"
    if content is not None:
        path.write_bytes(content)
    code, out, err = _info(capsys, path)
    assert code == 1 and out == "" and err.count("\n") == 1 and str(path) in err

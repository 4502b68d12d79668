"""The journal: whole lines alone, from many processes, and nothing that is run."""

import json
import os
import pickle
import subprocess
import sys

import pytest

from esmaml_mpi.errors import ResultsError
from esmaml_mpi.tuning.journal import Journal

WRITER = """
import sys
from pathlib import Path
from esmaml_mpi.tuning.journal import Journal
journal = Journal(Path(sys.argv[1]))
for i in range(50):
    journal.append_logs([{"who": sys.argv[2], "i": i}, {"who": sys.argv[2], "i": i, "second": "x" * 3000}])
"""


def test_lines_are_read_from_any_number_on(tmp_path):
    writer, reader = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    assert list(reader.read_logs(0)) == []
    writer.append_logs([{"a": 1}, {"a": 2}])
    assert list(reader.read_logs(1)) == [{"a": 2}]
    writer.append_logs([{"a": 3}])
    assert list(reader.read_logs(2)) == [{"a": 3}] and list(reader.read_logs(3)) == []
    assert list(reader.read_logs(0)) == list(writer.read_logs(0)) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_half_a_line_of_a_killed_process_is_not_read_and_then_removed(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append_logs([{"a": 1}])
    with open(tmp_path / "j", "ab") as file:
        file.write(b'{"a": 2, "b')
    assert list(journal.read_logs(0)) == [{"a": 1}]
    journal.append_logs([{"a": 3}])
    assert list(journal.read_logs(0)) == [{"a": 1}, {"a": 3}]


def test_processes_at_once_lose_no_line_and_keep_their_order(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "j")]
    writers = [subprocess.Popen([*command, who]) for who in ("first", "second", "third")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    logs = list(Journal(tmp_path / "j").read_logs(0))
    for who in ("first", "second", "third"):
        own = [log for log in logs if log["who"] == who]
        assert [log["i"] for log in own] == [i for i in range(50) for _ in "ab"]
    assert all(a["i"] == b["i"] and "second" in b for a, b in zip(logs[::2], logs[1::2], strict=True))


class Bomb:
    """Would make a folder if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_no_line(tmp_path):
    (tmp_path / "j").write_bytes(pickle.dumps(Bomb(tmp_path / "made"), protocol=0).replace(b"\n", b"\n") + b"\n")
    with pytest.raises(ResultsError, match="line 1"):
        list(Journal(tmp_path / "j").read_logs(0))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("line", ["[1]", "nonsense", '"text"'])
def test_other_lines_are_refused_by_number(tmp_path, line):
    (tmp_path / "j").write_text(json.dumps({"a": 1}) + "\n" + line + "\n")
    with pytest.raises(ResultsError, match="line 2, is not of a study"):
        list(Journal(tmp_path / "j").read_logs(0))

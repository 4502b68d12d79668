"""The line that says how far a run is."""

import io
import os
import re

import pytest

from esmaml_mpi.training import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def _shown(monkeypatch, columns, stream):
    """What stands on the line after 250 of 500 iterations."""
    monkeypatch.setattr(progress.shutil, "get_terminal_size", lambda fallback=None: os.terminal_size((columns, 24)))
    for name in progress.LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    shown = progress.Progress(500, 0, stream)
    shown.start -= 100.0
    shown.tested(240, -400.0, -233.6)
    shown.update(250, -261.5, 0, 26_400)
    return stream.getvalue().split("\033[K")[-1].rstrip("\n")


ALL = (
    r"\[#{10}\.{10}\] iteration 250/500  value -261\.50  test at 240: -400\.0 -> -233\.6  2\.50 it/s"
    r"  6\d,\d{3} rollouts/s  1:40 left"
)


def test_a_wide_terminal_shows_everything(monkeypatch):
    assert re.fullmatch(ALL, _shown(monkeypatch, 200, Terminal()))


@pytest.mark.parametrize("columns", (20, 40, 80, 100, 130))
def test_the_live_line_does_not_wrap(monkeypatch, columns):
    line = _shown(monkeypatch, columns, Terminal())
    assert len(line) < columns
    assert line.removeprefix("[##########..........] ").startswith("iteration 250/500")
    if columns >= 80:  # of a usual terminal
        assert "test at 240: -400.0 -> -233.6" in line
    if columns >= 40:
        assert line.endswith("1:40 left")


def test_a_log_has_whole_lines(monkeypatch):
    assert re.fullmatch(ALL.split(" ", 1)[1], _shown(monkeypatch, 20, io.StringIO()))


def test_failures_between_two_lines_are_counted(monkeypatch):
    stream = io.StringIO()
    shown = progress.Progress(50, 0, stream)
    for done, failed in ((1, 0), (2, 3), (3, 0), (50, 1)):
        shown.update(done, -1.0, failed, 10)
    first, last = stream.getvalue().splitlines()
    assert "failed" not in first and last.endswith("left  4 failed")


def test_a_quiet_run_prints_warnings_alone():
    stream = io.StringIO()
    shown = progress.Progress(5, 0, stream, quiet=True)
    shown.announce("begins")
    shown.update(5, -1.0, 0, 10)
    shown.message("a rank died")
    shown.close()
    assert stream.getvalue() == "a rank died\n"

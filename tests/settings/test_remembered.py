"""What is remembered between commands, on disk: private, bounded, and never in the way."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from esmaml_mpi.settings import remembered
from esmaml_mpi.settings.remembered import Entry

ENTRY = Entry("own:Thing", "settings", "/a/own.py", "0" * 64, ["/a"])


@pytest.fixture
def place(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "esmaml/named_code"


def test_entries_are_kept_for_this_user_alone(place):
    remembered.keep(ENTRY)
    (file,) = place.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (place, file)] == [0o700, 0o600]
    assert json.loads(file.read_text())["name"] == "own:Thing"
    assert remembered.entries("own:Thing") == [ENTRY] and remembered.entries("own:Other") == []


def test_the_latest_replaces_what_was_of_the_same_file_and_settings(place):
    changed = replace(ENTRY, sha256="1" * 64)
    elsewhere, otherwise = replace(ENTRY, file="/b/own.py"), replace(ENTRY, settings="others")
    for i, entry in enumerate((ENTRY, elsewhere, otherwise, changed)):
        before = set(place.iterdir()) if place.exists() else set()
        remembered.keep(entry)
        for file in {*place.iterdir()} - before:
            os.utime(file, (i, i))
    assert sorted(remembered.entries("own:Thing"), key=str) == sorted([changed, elsewhere, otherwise], key=str)
    assert remembered.entries("own:Thing")[0] == changed


def test_there_are_not_more_than_a_bound_and_the_oldest_go(place, monkeypatch):
    monkeypatch.setattr(remembered, "MOST", 5)
    for i in range(8):
        remembered.keep(replace(ENTRY, settings=str(i)))
        for file in place.iterdir():
            os.utime(file, ns=(file.stat().st_mtime_ns - 10**9, file.stat().st_mtime_ns - 10**9))
    assert [entry.settings for entry in remembered.entries("own:Thing")] == ["7", "6", "5", "4", "3"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"name": "own:Thing"}', '{"name": "own:Thing", "more": 1}', "\x00" * 100_000]
)
def test_a_damaged_entry_is_none(content, place):
    remembered.keep(ENTRY)
    (file,) = place.iterdir()
    file.write_text(content)
    assert remembered.entries("own:Thing") == []
    tables = json.loads(json.dumps(ENTRY.__dict__)) | {"folders": [1]}
    file.write_text(json.dumps(tables))
    assert remembered.entries("own:Thing") == []
    remembered.keep(ENTRY)
    assert remembered.entries("own:Thing") == [ENTRY]


def test_an_entry_under_another_ones_name_is_none(place):
    remembered.keep(ENTRY)
    (file,) = place.iterdir()
    file.write_text(json.dumps(replace(ENTRY, name="os:system").__dict__))
    assert remembered.entries("own:Thing") == remembered.entries("os:system") == []


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_that_others_may_write_is_not_believed(mode, place):
    remembered.keep(ENTRY)
    place.chmod(mode)
    assert remembered.entries("own:Thing") == []
    remembered.keep(replace(ENTRY, settings="others"))
    assert len(list(place.iterdir())) == 1


def test_a_folder_of_somebody_else_is_not_believed(place, monkeypatch):
    remembered.keep(ENTRY)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert remembered.entries("own:Thing") == []


def test_it_can_be_switched_off(place, monkeypatch):
    remembered.keep(ENTRY)
    monkeypatch.setenv(remembered.SWITCH, "0")
    assert remembered.entries("own:Thing") == []
    remembered.keep(replace(ENTRY, settings="others"))
    assert len(list(place.iterdir())) == 1


@pytest.mark.parametrize(
    ("state", "home", "found"),
    [
        ("", "/home/me", "/home/me/.local/state/esmaml/named_code"),
        ("/state", "/home/me", "/state/esmaml/named_code"),
        ("state", "/home/me", "/home/me/.local/state/esmaml/named_code"),
        ("/state", "", "/state/esmaml/named_code"),
        ("", "", None),
        ("", "home", None),
    ],
)
def test_where_it_is(state, home, found, monkeypatch):
    for name, value in (("XDG_STATE_HOME", state), ("HOME", home)):
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name, raising=False)
    assert remembered.folder() == found
    if found is None:
        remembered.keep(ENTRY)
        assert remembered.entries("own:Thing") == []


@pytest.mark.parametrize("obstacle", ["file", "dangling", "read-only"])
def test_a_place_that_cannot_be_written_is_no_matter(obstacle, place):
    place.parent.mkdir()
    if obstacle == "file":
        place.write_text("not a folder")
    elif obstacle == "dangling":
        place.symlink_to("nowhere/at/all")
    else:
        if os.geteuid() == 0:
            pytest.skip("root writes anywhere")
        place.parent.chmod(0o500)
    remembered.keep(ENTRY)
    assert remembered.entries("own:Thing") == []


def test_a_full_disk_leaves_nothing_behind(place, monkeypatch):
    remembered.keep(ENTRY)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    remembered.keep(replace(ENTRY, sha256="1" * 64))
    assert remembered.entries("own:Thing") == [ENTRY] and len(list(place.iterdir())) == 1


def test_processes_that_write_at_once_lose_nothing(place):
    program = (
        "import sys; from dataclasses import replace; from esmaml_mpi.settings.remembered import Entry, keep\n"
        "for i in range(20): keep(Entry('own:Thing', str(i), sys.argv[1], '0' * 64, [])); keep(Entry('own:Thing', "
        "'shared', '/same', '0' * 64, []))"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, f"/{i}"]) for i in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    assert len(remembered.entries("own:Thing")) == len(list(place.iterdir())) == 81

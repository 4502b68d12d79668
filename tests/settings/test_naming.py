"""Who has named code: the user in this command, in an earlier one, or only a file."""

import sys

import pytest

from esmaml_mpi.errors import UntrustedError
from esmaml_mpi.settings import modules, naming, remembered

TABLES = {"task": {"name": "own_thing:Own", "options": {"size": 3}}, "meta": {"sigma": 0.1}}


@pytest.fixture
def own(new_process, monkeypatch, tmp_path):
    """The user's module in a folder, from which it has been named in an earlier command."""
    (tmp_path / "own").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "own/own_thing.py").write_text("class Own:\n    value = 1\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path / "own")
    naming.asked(TABLES)
    naming.remember(TABLES, ["own_thing:Own"])
    new_process()
    return tmp_path


def _refusal(tables=TABLES) -> str:
    naming.came_with(tables, "theirs.h5")
    with pytest.raises(UntrustedError) as refused:
        naming.check_asked(tables["task"]["name"], "task.name")
    return str(refused.value)


def test_names_of_a_file_are_refused_until_the_user_has_given_them_too(own):
    naming.came_with({"a": {"b": ["os:system"], "c": 3}}, "theirs.h5")
    with pytest.raises(
        UntrustedError, match=r"^theirs\.h5 wants to import 'os:system' \(key\).*--trust, or trust=True"
    ):
        naming.check_asked("os:system", "key")
    naming.check_asked("os:getcwd", "key")
    naming.asked([{"x": "os:system"}])
    naming.check_asked("os:system", "key")
    naming.came_with("os:system", "theirs.h5")
    naming.check_asked("os:system", "key")


def test_what_was_named_before_is_found_from_anywhere(own, monkeypatch):
    monkeypatch.chdir(own / "other")
    naming.came_with(TABLES, "theirs.h5")
    naming.check_asked("own_thing:Own", "task.name")
    assert modules.load("own_thing:Own.value") == 1


def test_other_values_outside_the_section_are_no_matter(own):
    naming.came_with({**TABLES, "meta": {"sigma": 0.2}}, "theirs.h5")
    naming.check_asked("own_thing:Own", "task.name")


def test_other_settings_are_refused(own):
    """What a function does may depend on what it is given, which is the file's."""
    said = _refusal({"task": {"name": "own_thing:Own", "options": {"size": 4}}})
    assert "you have named it with other settings than the file has" in said


def test_another_thing_of_the_module_is_refused(own):
    assert "own_thing:os.system' (task.name), which runs code. If" in _refusal(
        {"task": {"name": "own_thing:os.system"}}
    )


def test_changed_code_is_refused_until_it_is_named_again(own, new_process):
    (own / "own/own_thing.py").write_text("class Own:\n    value = 2\n")
    assert f"{own}/own/own_thing.py has changed since you named it here" in _refusal()
    naming.asked(TABLES, trusted="theirs.h5")
    naming.remember({}, ["own_thing:Own"])
    new_process()
    assert "has changed" in _refusal()  # there was nothing to remember
    naming.asked(TABLES, trusted="theirs.h5")
    naming.remember(TABLES, ["own_thing:Own"])
    new_process()
    naming.came_with(TABLES, "theirs.h5")
    naming.check_asked("own_thing:Own", "task.name")


def test_another_file_of_the_name_is_never_taken(own, new_process, monkeypatch):
    """Not even if what is in it is the same, as what it imports may be another thing."""
    same = (own / "own/own_thing.py").read_text()
    for content in ("raise SystemExit\n", same):
        (own / "other/own_thing.py").write_text(content)
        monkeypatch.chdir(own / "other")
        naming.came_with(TABLES, "theirs.h5")
        naming.check_asked("own_thing:Own", "task.name")
        assert modules.module("own_thing").__file__ == str(own / "own/own_thing.py")
    new_process()
    monkeypatch.setattr(sys, "path", [str(own / "other"), *sys.path])  # where Python itself looks first
    assert f"it is {own}/other/own_thing.py, and you have named {own}/own/own_thing.py" in _refusal()


def test_a_second_file_with_other_settings_is_refused_beside_the_first(own):
    naming.came_with(TABLES, "mine.h5")
    assert "theirs.h5 wants" in _refusal({"task": {"name": "own_thing:Own", "options": {"size": 4}}})


def test_only_the_trusted_files_settings_are_remembered(own, new_process):
    forged = {"task": {"name": "own_thing:Own", "options": {"size": 4}}}
    trusted = {"task": {"name": "own_thing:Own", "options": {"size": 5}}}
    naming.came_with(forged, "forged.h5")
    naming.came_with(trusted, "trusted.h5")
    naming.asked(trusted, trusted="trusted.h5")
    naming.remember({"task": {"name": "own_thing:Own", "options": {"size": 6}}}, ["own_thing:Own"])
    new_process()
    assert "other settings" in _refusal(forged)
    new_process()
    for size in (3, 5, 6):
        naming.came_with({"task": {"name": "own_thing:Own", "options": {"size": size}}}, "a.h5")
        naming.check_asked("own_thing:Own", "task.name")


def test_what_only_a_file_has_named_is_not_remembered(own, new_process):
    tables = {"task": {"name": "own_thing:Other"}}
    naming.came_with(tables, "theirs.h5")
    naming.remember(tables, ["own_thing:Other"])
    assert remembered.entries("own_thing:Other") == []


def test_packages_are_what_they_were_as_a_whole_and_nothing_of_them_is_run(own, new_process, monkeypatch):
    """The package's own file, and every other in it, run before the module does, or may."""
    package = own / "own/spaces/own_package"
    (package / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py", "inner/thing.py", "other.py"):
        (package / name).write_text("raise SystemExit\n")
    tables = {"task": {"name": "spaces.own_package.inner.thing:Own"}}
    naming.asked(tables)
    naming.remember(tables, ["spaces.own_package.inner.thing:Own"])
    new_process()
    naming.came_with(tables, "theirs.h5")
    naming.check_asked("spaces.own_package.inner.thing:Own", "task.name")
    new_process()
    (package / "other.py").write_text("raise SystemExit(2)\n")
    assert "own_package/__init__.py has changed since" in _refusal(tables)


@pytest.mark.parametrize("name", ["sys:exit", "no_such_module:Own", ":Own", "..own:Own", "os.:x", "a b:c"])
def test_what_has_no_file_is_never_remembered(own, name):
    naming.asked(name)
    naming.remember({"task": {"name": name}}, [name])
    assert remembered.entries(name) == []


def test_what_was_named_in_this_folder_comes_first(own, new_process, monkeypatch):
    """The same settings in two projects, each with a module of this name."""
    (own / "other/own_thing.py").write_text("class Own:\n    value = 7\n")
    monkeypatch.chdir(own / "other")
    naming.asked(TABLES)
    naming.remember(TABLES, ["own_thing:Own"])
    for folder, value in (("own", 1), ("other", 7)):
        new_process()
        monkeypatch.chdir(own / folder)
        naming.came_with(TABLES, "a.h5")
        naming.check_asked("own_thing:Own", "task.name")
        assert modules.load("own_thing:Own.value") == value


def test_the_one_that_the_file_was_written_with_comes_before_all(own, new_process, monkeypatch):
    """And if that has changed, no other is taken for it."""
    ran = {"own_thing": remembered.entries("own_thing:Own")[0].sha256}
    (own / "other/own_thing.py").write_text("class Own:\n    value = 7\n")
    monkeypatch.chdir(own / "other")
    naming.asked(TABLES)
    naming.remember(TABLES, ["own_thing:Own"])
    new_process()
    naming.came_with(TABLES, "a.h5", ran)
    naming.check_asked("own_thing:Own", "task.name")
    assert modules.load("own_thing:Own.value") == 1
    new_process()
    (own / "own/own_thing.py").write_text("class Own:\n    value = 2\n")
    naming.came_with(TABLES, "a.h5", ran)
    with pytest.raises(UntrustedError, match=r"own/own_thing\.py has changed since you named it here"):
        naming.check_asked("own_thing:Own", "task.name")

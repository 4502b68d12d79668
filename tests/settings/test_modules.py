"""Modules of the user's: where they are found, and what hides them."""

import pytest

from esmaml_mpi.settings import modules


@pytest.fixture
def fresh(new_process, monkeypatch, tmp_path):
    """A process that has just begun, in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def _module(folder, name, text="class Own:\n    value = 1\n"):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)


def test_folders_told_of_and_the_current_one_are_looked_in(fresh):
    _module(fresh / "told", "of_the_folder")
    _module(fresh / "here", "of_the_current_one")
    modules.look_in(fresh / "told")
    assert modules.load("of_the_folder:Own.value") == modules.load("of_the_current_one:Own.value") == 1


def test_the_latest_folder_comes_first_and_what_is_installed_before_it(fresh):
    for i, name in enumerate(("old", "new")):
        _module(fresh / name, "in_both", f"value = {i}\n")
        modules.look_in(fresh / name)
    _module(fresh / "new", "numpy", "value = 2\n")
    assert modules.load("in_both:value") == 1
    assert modules.module("numpy").__name__ == "numpy" and hasattr(modules.module("numpy"), "array")


def test_a_name_of_pythons_own_is_said_to_hide_the_file(fresh):
    _module(fresh / "here", "queue")
    with pytest.raises(ImportError, match=r"queue\.py is hidden by Python's own module 'queue': give the file another"):
        modules.load("queue:Own")
    assert modules.load("os:getcwd")() == str(fresh / "here")  # there is no file to be hidden


def test_another_file_of_a_name_that_is_loaded_is_not_taken_for_it(fresh):
    for name in ("one", "other"):
        _module(fresh / name, "twice_there")
    modules.look_in(fresh / "one")
    modules.load("twice_there:Own")
    modules.look_in(fresh / "other")
    with pytest.raises(ImportError, match=r"other/twice_there\.py is wanted, and .* has imported another"):
        modules.load("twice_there:Own")


def test_what_is_not_there_is_said_with_what_is_near(fresh):
    _module(fresh / "here", "with_a_class")
    with pytest.raises(ImportError, match=r"has no attribute 'Onw', but 'Own'"):
        modules.load("with_a_class:Onw")
    with pytest.raises(ImportError, match=r"A module's name is wanted, not a file's: 'folder\.own'"):
        modules.load("./folder/own.py:Own")
    with pytest.raises(ModuleNotFoundError, match="beside the configuration, in the folder that the command is run in"):
        modules.load("nowhere_at_all:Own")


def test_a_module_may_be_kept_from_the_current_folder(fresh):
    """Which may be anybody's: neither it nor what it imports is taken from there."""
    _module(fresh / "told", "kept_away", "try:\n    import beside_it as found\nexcept ImportError:\n    found = None\n")
    _module(fresh / "here", "kept_away", "raise SystemExit\n")
    _module(fresh / "here", "beside_it")
    modules.look_only_in([str(fresh / "told")], "kept_away")
    assert modules.places("kept_away") == [str(fresh / "told")]
    assert modules.load("kept_away:found") is None
    assert modules.load("beside_it:Own.value") == 1  # of other names it is looked in

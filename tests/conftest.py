"""Puts this folder on the import path, so that tests in every subfolder can use ``helpers`` and ``reference``."""

import sys

import pytest

from esmaml_mpi.settings import modules, naming, registry


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory):
    """What the tests name as the user's own code is remembered in a folder of theirs."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture
def new_process(monkeypatch, tmp_path_factory):
    """As a process that has just begun: no folder and no name is known, and no module that a test has written.
    Call it to begin another one.
    """
    of_tests = str(tmp_path_factory.getbasetemp())

    def forget():
        for name, module in list(sys.modules.items()):
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if any(isinstance(place, str) and place.startswith(of_tests) for place in places):
                del sys.modules[name]

    def begin():
        forget()
        monkeypatch.setattr(sys, "path", [each for each in sys.path if each not in modules._added])
        for module, names in (
            (modules, ("_folders", "_added", "_not_here")),
            (naming, ("_asked", "_found_in", "_granted")),
            (registry, ("_installed",)),
        ):
            for name in names:
                monkeypatch.setattr(module, name, type(getattr(module, name))())

    begin()
    yield begin
    forget()

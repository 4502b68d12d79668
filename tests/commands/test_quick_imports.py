"""Modules are found where Python's own finders find them, and with two calls to the file system each."""

import importlib
import importlib.util
import os
import pkgutil
import subprocess
import sys
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from esmaml_mpi.commands.quick_imports import Folder, import_quickly


@pytest.fixture
def quick(monkeypatch):
    """The finders in force for the length of a test."""
    cache, path = dict(sys.path_importer_cache), sys.path
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.setattr(sys, "path", list(path))
    loaded = set(sys.modules)
    import_quickly(os.sep)
    yield
    for name in set(sys.modules) - loaded:
        del sys.modules[name]
    sys.path_importer_cache.clear()
    sys.path_importer_cache.update(cache)


def place(spec):
    return spec and (spec.origin, spec.has_location, spec.cached, list(spec.submodule_search_locations or []))


def test_the_same_places_as_python_finds(tmp_path, monkeypatch):
    """Of files, packages, extensions, packages without a file, and what is beside another thing of its name."""
    for name in ("both/__init__.py", "both.py", "folder/inner.py", "beside/inner.py", "beside.py", "alone.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    (tmp_path / "text").write_text("no module")
    names = ["both", "folder", "beside", "alone", "text", "missing"]
    cases = [(name, [str(tmp_path)]) for name in names]
    import numpy

    installed = [os.path.dirname(numpy.__path__[0])]
    cases += [("numpy", installed), ("esmaml_mpi", sys.path), ("missing", sys.path), ("json", sys.path)]
    cases += [("numpy.linalg", numpy.__path__), ("numpy.random.mtrand", numpy.random.__path__), ("math", sys.path)]
    own = [place(PathFinder.find_spec(name, path)) for name, path in cases]
    assert own[:2] == [
        (str(tmp_path / "both/__init__.py"), True, own[0][2], [str(tmp_path / "both")]),
        (None, False, None, [str(tmp_path / "folder")]),
    ]
    monkeypatch.setattr(sys, "path_hooks", [Folder, *sys.path_hooks])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    assert [place(PathFinder.find_spec(name, path)) for name, path in cases] == own
    assert isinstance(sys.path_importer_cache[installed[0]], Folder)


def test_packages_that_look_for_their_modules_find_them(tmp_path):
    for name in ("package/__init__.py", "package/one.py", "package/two/__init__.py", "package/no_code/text.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "package" / "not.a.module.py").write_text("")
    import numpy

    for folder in (tmp_path, tmp_path / "package", Path(numpy.__path__[0]), Path(numpy.random.__path__[0])):
        wanted = [(each.name, each.ispkg) for each in pkgutil.iter_modules([str(folder)], "p.")]
        assert sorted(Folder(str(folder)).iter_modules("p.")) == sorted(wanted) and wanted


def test_a_changed_source_is_compiled_anew(tmp_path, quick):
    sys.path.insert(0, str(tmp_path))
    source = tmp_path / "changes_now.py"
    for value in (1, 22):  # of another length: the time alone may be the same
        source.write_text(f"value = {value}\n")
        sys.modules.pop("changes_now", None)
        assert importlib.import_module("changes_now").value == value


def test_a_module_that_came_later_is_found_after_invalidate_caches(tmp_path, quick):
    sys.path.insert(0, str(tmp_path))
    assert importlib.util.find_spec("came_later") is None
    (tmp_path / "came_later.py").write_text("value = 3\n")
    importlib.invalidate_caches()
    assert importlib.import_module("came_later").value == 3


def test_archives_are_read_as_before(tmp_path, quick):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("in_an_archive.py", "value = 4\n")
    sys.path.insert(0, str(tmp_path / "archive.zip"))
    assert importlib.import_module("in_an_archive").value == 4


def test_tracebacks_and_resources_work(tmp_path, quick):
    import inspect
    from importlib import resources

    package = tmp_path / "with_text"
    package.mkdir()
    (package / "__init__.py").write_text("def fails():\n    raise ValueError\n")
    (package / "note.txt").write_text("a note")
    sys.path.insert(0, str(tmp_path))
    module = importlib.import_module("with_text")
    assert "raise ValueError" in inspect.getsource(module.fails)
    assert resources.files(module).joinpath("note.txt").read_text() == "a note"


def test_the_command_imports_quickly():
    program = (
        "import sys; from esmaml_mpi.__main__ import main; sys.argv = ['esmaml', 'tasks']; main(); "
        "print(sys.path_hooks[0], file=sys.stderr)"  # standard output stays the command's
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "import_quickly" in done.stdout + done.stderr


def test_modules_that_appear_in_a_folder_of_the_users_are_found(tmp_path, monkeypatch):
    cache = dict(sys.path_importer_cache)
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    import_quickly()
    try:
        assert importlib.util.find_spec("appears_later") is None
        assert not isinstance(sys.path_importer_cache[str(tmp_path)], Folder)
        assert any(isinstance(finder, Folder) for finder in sys.path_importer_cache.values())
    finally:
        sys.path_importer_cache.clear()
        sys.path_importer_cache.update(cache)

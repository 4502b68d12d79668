"""Which code of the user's a launch ran, and that a change of it is said."""

import hashlib
import sys

import pytest

from esmaml_mpi.results.code import changes, code_of, facts_of


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_is_its_file(place):
    (place / "lone_module.py").write_text("x = 1\n")
    __import__("lone_module")
    (code,) = code_of(facts_of(["lone_module:x", "lone_module:y"])).values()
    assert (code.file, code.version, code.folder) == (str(place / "lone_module.py"), "", str(place))
    assert code.sha256 == hashlib.sha256(b"lone_module.py 6\nx = 1\n").hexdigest()


def test_a_package_is_all_of_its_files(place):
    (place / "whole/inner").mkdir(parents=True)
    for name in ("whole/__init__.py", "whole/inner/__init__.py", "whole/inner/part.py", "whole/other.py"):
        (place / name).write_text("x = 1\n")
    (place / "whole/data.txt").write_text("not code")
    __import__("whole.inner.part")
    before = facts_of(["whole.inner.part:x"])
    assert code_of(before)["whole.inner.part"].folder == str(place)
    (place / "whole/data.txt").write_text("other data")
    assert facts_of(["whole.inner.part:x"]) == before
    (place / "whole/other.py").write_text("x = 2\n")
    assert facts_of(["whole.inner.part:x"]) != before


def test_the_version_is_that_of_what_is_installed():
    import numpy

    assert code_of(facts_of(["numpy:array"]))["numpy"].version == numpy.__version__


def test_only_what_has_changed_is_said():
    fact = '{"file": "/a/b.py", "sha256": "%s", "version": ""}'
    old = {"code_b": fact % ("1" * 64), "code_c": fact % ("2" * 64), "host": "x"}
    new = {"code_b": fact % ("3" * 64), "code_c": fact % ("2" * 64), "code_d": fact % ("4" * 64)}
    (line,) = changes(old, new)
    assert line.startswith(
        "module 'b' has changed since the run: it was /a/b.py, sha256 111111111111, and is /a/b.py, sha256 333"
    )
    assert not list(changes({"code_b": "no JSON", "code_e": "[]", "code_f": 3}, new))

"""Files that are replaced: what a symbolic link names, with the mode that it had."""

import os
import stat

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.results.atomic import replace_file

TINY = {
    "policy": {"hidden": []},
    "adaptation": {"queries": 2},
    "meta": {"iterations": 2, "perturbations": 2, "current_evaluations": 2},
    "test": {"every": 0, "repeats": 1},
}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_mode_stays_and_a_link_is_followed(tmp_path):
    there, link = tmp_path / "there", tmp_path / "link"
    there.write_bytes(b"old")
    there.chmod(0o640)
    link.symlink_to("there")
    before = os.umask(0o077)
    try:
        replace_file(link, b"new")
        replace_file(tmp_path / "fresh", b"x")
    finally:
        os.umask(before)
    assert link.is_symlink() and there.read_bytes() == b"new" and mode(there) == 0o640
    assert mode(tmp_path / "fresh") == 0o600, "a new file is as the umask says"


def test_a_run_writes_what_its_output_links_to(tmp_path, capsys):
    (tmp_path / "disk").mkdir()
    link, there = tmp_path / "run.h5", tmp_path / "disk" / "run.h5"
    link.symlink_to(there)  # nothing is there yet
    esmaml_mpi.train(TINY, output=link, quiet=True)
    there.chmod(0o600)
    on = esmaml_mpi.train(TINY, ["meta.iterations=3"], output=link, resume=True, quiet=True)
    assert link.is_symlink() and not there.is_symlink() and mode(there) == 0o600
    assert on.checkpoint["iteration"] == 3
    assert sorted(path.name for path in there.parent.iterdir()) == ["run.h5", "run.h5.previous"]
    assert [path.name for path in tmp_path.iterdir() if path.name != "disk"] == ["run.h5"]
    assert main(["info", str(link)]) == 0 and "complete, iteration 3 of 3" in capsys.readouterr().out

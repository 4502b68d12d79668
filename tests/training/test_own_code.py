"""A family, an operator and a policy of somebody's own: a file beside the configuration, or an installed package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.commands.main import main
from esmaml_mpi.settings import registry

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples/own_package"
SMALL = [
    "meta.iterations=2",
    "meta.perturbations=4",
    "meta.current_evaluations=2",
    "task.train_size=6",
    "test.repeats=2",
]
SET = [part for each in SMALL for part in ("--set", each)]
ENTRY_POINTS = "".join(
    f"[esmaml_mpi.{group}]\n{name} = own_package:{cls}\n"
    for group, name, cls in (
        ("families", "line", "Line"),
        ("operators", "best_of", "BestOf"),
        ("policies", "clipped", "Clipped"),
    )
)


@pytest.fixture
def clean(new_process, tmp_path, monkeypatch):
    """Nothing of the user's is known yet; the current folder is empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def _beside(folder: Path) -> Path:
    """The configuration that names classes of a file beside it."""
    folder.mkdir()
    shutil.copy(PACKAGE / "own_package.py", folder / "mine.py")
    text = (PACKAGE / "line.toml").read_text()
    for name, cls in (("line", "Line"), ("clipped", "Clipped"), ("best_of", "BestOf")):
        for key in ("name", "architecture", "operator"):
            text = text.replace(f'{key} = "{name}"', f'{key} = "mine:{cls}"')
    (folder / "mine.toml").write_text(text.replace('name = "mine:Line"', 'name = "line"', 1))
    return folder / "mine.toml"


def _installed(folder: Path) -> None:
    """The package as pip leaves it."""
    about = folder / "own_package-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    (about / "top_level.txt").write_text("own_package\n")
    shutil.copy(PACKAGE / "own_package.py", folder)


def _returns(path) -> np.ndarray:
    return esmaml_mpi.read_results(path).history["test"]["after"]


def test_names_of_a_package_and_of_a_file_make_the_same_run(clean, capsys):
    _installed(clean / "site")
    sys.path.append(str(clean / "site"))
    assert main(["train", str(PACKAGE / "line.toml"), "--output", "package.h5", *SET]) == 0, capsys.readouterr().err
    assert main(["train", str(_beside(clean / "own")), "--output", "file.h5", *SET]) == 0, capsys.readouterr().err
    np.testing.assert_array_equal(_returns("package.h5"), _returns("file.h5"))
    assert np.isfinite(_returns("file.h5")).all() and (_returns("file.h5") != 0).all()
    assert main(["evaluate", "package.h5", "--repeats", "2"]) == 0  # registered by what is installed: no flag
    # How far a run is is said without making its family, whose options are not known then.
    sizes = [part for each in ("horizon=20", "batch_size=5", "test_size=5") for part in ("--set", f"task.{each}")]
    asked = ["train", str(PACKAGE / "line.toml"), "--output", "package.h5", "--is-complete", *SET, *sizes]
    assert main(asked) == 0, capsys.readouterr().err
    facts = esmaml_mpi.read_results("package.h5").launches[-1]["code_own_package"]
    assert '"version": "1.0"' in facts and str(clean / "site/own_package.py") in facts


def test_a_policy_of_ones_own_acts_and_adapts_but_is_no_file(clean, capsys):
    assert main(["train", str(_beside(clean / "own")), "--output", "run.h5", *SET]) == 0, capsys.readouterr().err
    meta = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results("run.h5"))
    assert meta.act([0.0, 5.0], [0.3]).tolist() == [2.0]  # its own limit
    assert main(["adapt", "run.h5", "--session", "s.h5", "--task", "7"]) == 0
    said = capsys.readouterr().out
    assert "adapted policy: not written, " in said and "this policy is a Clipped, whose arithmetic is its own" in said
    assert main(["adapt", "run.h5", "--session", "robot.h5", "--command", "echo 1 {policy}"]) == 2
    assert not Path("robot.h5").exists()


def test_python_finds_them_too(clean):
    config = _beside(clean / "own")
    results = esmaml_mpi.train(config, SMALL)
    assert type(results.config.adaptation).__name__ == "BestOf" and results.config.policy.options == {"limit": 2.0}
    os.chdir(config.parent)
    tables = {"task": {"name": "mine:Line"}, "policy": {"architecture": "mine:Clipped"}}
    other = esmaml_mpi.train(tables, [*SMALL, "adaptation.operator=mine:BestOf"])
    assert other.config.rollouts_per_adaptation == 10


def test_results_outlive_what_made_them(clean, capsys):
    """Its package is gone, and with it the names that it gave."""
    _installed(clean / "site")
    sys.path.append(str(clean / "site"))
    assert main(["train", str(PACKAGE / "line.toml"), "--output", "run.h5", *SET]) == 0, capsys.readouterr().err
    shutil.rmtree(clean / "site")
    registry._installed.clear()
    del sys.modules["own_package"]
    capsys.readouterr()
    assert main(["info", "run.h5"]) == 0
    said = capsys.readouterr().out
    assert "best_of, 10 rollouts per adaptation" in said and "own_package:" in said and "sha256" in said
    assert main(["export", "run.h5", "--csv", "tables"]) == 0
    assert main(["export", "run.h5", "--policy", "npz"]) == 2  # what acts is not known any more
    assert "is this program's" in capsys.readouterr().err
    assert main(["evaluate", "run.h5"]) == 2
    assert "adaptation.operator = 'best_of': value 'best_of' does not exist" in capsys.readouterr().err


def test_a_run_says_that_its_code_has_changed(clean, capsys):
    config = _beside(clean / "own")
    train = ["train", str(config), "--output", "run.h5", "--resume", *SET]
    assert main(train) == 0
    with open(config.with_name("mine.py"), "a") as file:
        file.write("# another line\n")
    assert main(train) == 0
    assert capsys.readouterr().out.count("esmaml: module 'mine' has changed since the run: it was ") == 1
    with open(config.with_name("mine.py"), "a") as file:
        file.write("# and another\n")
    assert main(["evaluate", "run.h5", "--repeats", "1"]) == 0
    assert "module 'mine' has changed" in capsys.readouterr().err
    assert main(train) == 0 and main(train) == 0
    assert capsys.readouterr().out.count("has changed") == 1  # said once, and then it is what the run has


@pytest.mark.slow
def test_ranks_sweeps_and_other_folders_find_them(clean):
    """Everything from a folder that has none of the files."""
    config = _beside(clean / "own")
    sweep = config.with_name("sweep.toml")
    sweep.write_text(config.read_text() + "[sweep]\nseeds = 1\n[sweep.variants]\none = {}\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(*words, code=0):
        command = [sys.executable, "-m", "esmaml_mpi", *words]
        if words[0] == "mpirun":
            command = [
                *os.environ.get("ESMAML_TEST_MPIRUN", "mpirun --oversubscribe").split(),
                "-n",
                "3",
                sys.executable,
            ]
            command += ["-m", "esmaml_mpi", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    run("train", str(config), "--output", "one.h5", *SET)
    run("mpirun", "train", str(config), "--output", "three.h5", *SET)
    np.testing.assert_array_equal(_returns("one.h5"), _returns("three.h5"))
    run("sweep", str(sweep), "--output", "runs", *SET)
    np.testing.assert_array_equal(_returns("one.h5"), _returns("runs/one_seed0.h5"))
    assert "1 complete" in run("sweep", str(sweep), "--output", "runs", "--list", *SET)
    run("sweep", str(sweep), "--output", "again", "--index", "0", *SET)
    run("train", str(config), "--output", "one.h5", "--is-complete", *SET)
    for flags in ((), ("--trust",)):  # the user's own, and found where the run had it
        told = run("mpirun", "evaluate", "one.h5", *flags, "--repeats", "1", "--json", "-")
        assert '"after"' in told
    with config.with_name("mine.py").open("a") as file:
        file.write("# another line\n")
    assert "mine.py has changed since you named it here" in run("mpirun", "evaluate", "one.h5", code=2)
    config.with_name("mine.py").unlink()
    assert "cannot be used: ModuleNotFoundError" in run("evaluate", "one.h5", "--trust", code=2)
    run("info", "one.h5")
    assert "1 complete" in run("sweep", str(sweep), "--output", "runs", "--list", *SET)  # nothing is imported

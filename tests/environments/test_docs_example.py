"""The example of docs/own_environment.md, as it stands there: every block is run."""

import re
import subprocess
import sys
from pathlib import Path

from esmaml_mpi.results.reader import read

TEXT = (Path(__file__).parents[2] / "docs" / "own_environment.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SMALLER = ["meta.iterations=2", "meta.perturbations=4", "meta.current_evaluations=1", "adaptation.queries=2"]


def test_the_environment_is_trained_from_its_configuration(tmp_path):
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds == ["python", "toml", "console", "python"]
    environment, config, commands, _ = (text for _, text in BLOCKS)
    assert 15 <= len(environment.splitlines()) <= 30
    (tmp_path / "spring.py").write_text(environment)
    (tmp_path / "spring.toml").write_text(config)
    for line in commands.splitlines():
        program, command, *arguments = line.split()
        assert program == "esmaml"
        if command == "train":
            arguments += [word for change in SMALLER for word in ("--set", change)]
        # As the installed command, whose import path does not begin with the current directory.
        call = [sys.executable, "-P", "-m", "esmaml_mpi.cli", command, *arguments]
        done = subprocess.run(call, capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    results = read(tmp_path / "results" / "spring.h5")
    assert results.history["train"]["failed_units"].tolist() == [0, 0]
    after = results.history["test"]["after"]
    assert len({*after[-1].ravel()}) == after[-1].size  # tasks differ


def test_families_are_environments(tmp_path):
    (tmp_path / "families.py").write_text(BLOCKS[3][1])
    done = subprocess.run([sys.executable, "families.py"], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""

"""What a command writes to standard output is its product alone, whatever an environment prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from esmaml_mpi.commands.main import main
from esmaml_mpi.config.config import Config

HERE = Path(__file__).parents[1] / "tasks"
CONFIG = """
[task]
name = "gymnasium"
horizon = 5
[task.options]
environment = "own_things:Loud"
[policy]
hidden = []
[meta]
iterations = 1
perturbations = 2
current_evaluations = 1
[adaptation]
queries = 2
[test]
repeats = 1
"""
SAID = ("engine build 2023.11\n", "engine written\n", "engine buffered\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A configuration, and the results of its run."""
    folder = tmp_path_factory.mktemp("loud")
    (folder / "base.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        patch.chdir(folder)
        assert main(["train", "base.toml", "--output", "loud.h5"]) == 0
    return folder


def printed(folder, *words):
    """Standard output and standard error of a command, in files, as C's buffer is written late there."""
    path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    with open(folder / "out", "w") as out, open(folder / "err", "w") as err:
        done = subprocess.run(
            [sys.executable, "-m", "esmaml_mpi", *words],
            cwd=folder,
            stdout=out,
            stderr=err,
            env={**os.environ, "PYTHONPATH": path},
            timeout=120,
        )
    assert done.returncode == 0, (folder / "err").read_text()
    return (folder / "out").read_text(), (folder / "err").read_text()


@pytest.mark.slow
def test_a_configuration_is_valid_whatever_its_environment_prints(folder):
    out, err = printed(folder, "config", "base.toml")
    assert Config.from_toml(out).task.options["environment"] == "own_things:Loud"
    assert all(each in err for each in SAID)


@pytest.mark.slow
def test_json_on_standard_output_is_json(folder):
    out, err = printed(folder, "evaluate", "loud.h5", "--repeats", "2", "--json", "-")
    assert json.loads(out)["tasks"] == [0] and all(each in err for each in SAID)


@pytest.mark.parametrize(
    "words, product",
    [
        (["config", "base.toml", "--check"], "base.toml is valid\n"),
        (["info", "loud.h5", "--config"], "[run]\n"),
        (["tasks", "four_corners"], "four_corners: "),
        (["export", "loud.h5", "--csv", "tables"], "tables/loud"),
    ],
)
def test_a_program_that_calls_a_command_gets_the_product_too(folder, words, product, capsys, monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.chdir(folder)
    before = sys.stdout
    assert main(words) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(product) and "engine build" not in printed.out
    assert words[0] != "config" or "engine build" in printed.err
    assert sys.stdout is before

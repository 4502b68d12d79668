"""Results that are adapted, and the ``adapt`` command in this process."""

import os
import sys

import pytest
from adapt_robot import TINY

import esmaml_mpi
from esmaml_mpi.commands.main import main


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "run.h5"
    esmaml_mpi.train(TINY, output=path)
    return path


@pytest.fixture(scope="module")
def noisy_results(tmp_path_factory):
    path = tmp_path_factory.mktemp("noisy") / "run.h5"
    task = {"name": "cartpole_sensor_bias", "horizon": 20, "rollouts": 2}
    esmaml_mpi.train({**TINY, "task": task}, output=path)
    return path


@pytest.fixture(scope="module")
def sloping_results(tmp_path_factory):
    """Of a task in which every change of a policy changes its reward."""
    path = tmp_path_factory.mktemp("sloping") / "run.h5"
    task = {"horizon": 10, "options": {"reward": "squared_distance"}}
    esmaml_mpi.train({**TINY, "task": task, "adaptation": {**TINY["adaptation"], "sigma": 0.5}}, output=path)
    return path


@pytest.fixture
def adapt(tmp_path, monkeypatch, capsys):
    """Runs the command in this process with lines of input; gives exit code, output and errors."""

    def run(*arguments, typed="", name="a.session"):
        read, write = os.pipe()
        os.write(write, typed.encode())
        os.close(write)
        with os.fdopen(read) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            code = main(["adapt", *map(str, arguments), "--session", str(tmp_path / name)])
        return code, *capsys.readouterr()

    return run

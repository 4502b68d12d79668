"""The ``render`` command on a small run of four corners."""

import pytest
from films import SMALL, train

from esmaml_mpi.commands.main import main


@pytest.fixture(scope="module")
def corners(tmp_path_factory):
    options = {"variant": "promp", "reward": "distance"}
    return train(tmp_path_factory.mktemp("corners") / "run.h5", name="four_corners", rollouts=2, options=options)


@pytest.fixture
def render(tmp_path, corners, capsys):
    """Runs the command into a file of this folder; gives exit code, path and standard error."""

    def run(name, *options, results=corners):
        code = main(["render", str(results), "--output", str(tmp_path / name), *SMALL, *options])
        return code, tmp_path / name, capsys.readouterr().err

    return run

"""Where there are no compiled kernels: NumPy, the same bits, and a line that says so once."""

import os
import subprocess
import sys

import pytest
from helpers import assert_same_run

from esmaml_mpi.native import door
from esmaml_mpi.results.reader import read

SETTINGS = ("meta.iterations=2", "meta.perturbations=3", "meta.current_evaluations=2", "test.every=1")
CONFIGS = {
    "corners": ("task.name=four_corners", "policy.hidden=[5]"),
    "cartpole": ("task.name=cartpole_sensor_bias", "policy.activation=tanh", "policy.hidden=[4]", "task.horizon=60"),
}
# As if the extension had not been built: its import fails.
PROGRAM = """
import sys
if {hidden}:
    sys.modules["esmaml_mpi.native._kernels"] = None
from esmaml_mpi.commands.main import main
sys.exit(main(sys.argv[1:]))
"""


def train(path, hidden, settings, **variables):
    config = path.with_suffix(".toml")
    config.touch()
    command = [sys.executable, "-c", PROGRAM.format(hidden=hidden), "train", config, "--output", path]
    command += [part for setting in (*SETTINGS, *settings) for part in ("--set", setting)]
    environment = {key: value for key, value in os.environ.items() if key != door.VARIABLE}
    return subprocess.run(command, capture_output=True, text=True, env={**environment, **variables}, timeout=120)


@pytest.mark.skipif(bool(door.missing()), reason="no compiled kernels to compare with")
@pytest.mark.parametrize("name", CONFIGS)
def test_numpy_gives_the_same_run_and_is_said_once(tmp_path, name):
    with_kernels = train(tmp_path / "with.h5", False, CONFIGS[name])
    without = train(tmp_path / "without.h5", True, CONFIGS[name])
    chosen = train(tmp_path / "chosen.h5", False, CONFIGS[name], ESMAML_NATIVE="numpy")
    assert with_kernels.returncode == without.returncode == chosen.returncode == 0, without.stderr
    assert "compiled kernels" not in with_kernels.stderr + chosen.stderr
    assert without.stderr.count("esmaml: no compiled kernels, NumPy is several times slower: ") == 1
    results = [read(tmp_path / f"{each}.h5") for each in ("with", "without", "chosen")]
    for other in results[1:]:
        assert_same_run(other, results[0])
    first, second, third = (result.launches[0]["kernels"] for result in results)
    assert first == f"compiled kernels for {door.names()[0]}"
    assert second.startswith("NumPy, several times slower: ") and third == "NumPy, as ESMAML_NATIVE asks for it"
    shown = subprocess.run(
        [sys.executable, "-m", "esmaml_mpi", "info", tmp_path / "with.h5"], capture_output=True, text=True
    )
    assert first in shown.stdout


def test_a_name_that_this_machine_has_not_is_an_error_of_one_line(tmp_path):
    done = train(tmp_path / "none.h5", False, CONFIGS["corners"], ESMAML_NATIVE="avx99")
    assert done.returncode == 2 and not (tmp_path / "none.h5").exists()
    (line,) = done.stderr.splitlines()
    assert line.startswith("esmaml: ESMAML_NATIVE = 'avx99': this machine has ") and "Traceback" not in done.stderr

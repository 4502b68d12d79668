"""On a robot's computer there are NumPy, h5py and this package: no simulator, no MPI, no file of the user's task."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.config.loading import load
from esmaml_mpi.config.makers import inferred_interface, make_policy
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.interface import Interface, interface_of

ROOT = Path(__file__).parents[2]
SMALL = ["meta.iterations=1", "meta.perturbations=2", "meta.current_evaluations=1", "test.repeats=1"]
# What a wheel without its optional parts does not bring.
BLOCK = """\
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"mujoco", "gymnasium", "mpi4py", "scipy", "matplotlib", "jax", "ferry"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
"""
USE = """\
import numpy as np
import esmaml_mpi
from esmaml_mpi.commands.main import main
results, folder = sys.argv[1:]
meta = esmaml_mpi.MetaPolicy(esmaml_mpi.read_results(results), overrides=["adaptation.sigma=0.2"])
action = meta.act(meta.theta, np.zeros(meta.interface.observation_size))
assert action.shape == (meta.interface.action_size,)
with esmaml_mpi.Session.create(f"{folder}/python.h5", results) as session:
    session.tell(1.0)
with esmaml_mpi.Session.open(f"{folder}/python.h5") as session:
    assert session.trials == 1
trial = ["--command", "sh -c 'echo 3' {policy}", "--trials", "2"]
code = main(["adapt", results, "--session", f"{folder}/command.h5", *trial])
assert code == 75, code
for source in (results, f"{folder}/command.h5"):
    for format in ("npz", "onnx", "c"):
        assert main(["export", source, "--policy", format, "--output", f"{folder}/p.{format}", "--overwrite"]) == 0
code = main(["adapt", results, "--session", f"{folder}/simulated.h5", "--task", "0"])
assert code != 0
print("nothing else was needed")
"""


@pytest.fixture(scope="module")
def quadruped(tmp_path_factory):
    pytest.importorskip("mujoco")
    path = tmp_path_factory.mktemp("quadruped") / "run.h5"
    esmaml_mpi.train(ROOT / "configs/quadruped.toml", [*SMALL, "task.horizon=3", "adaptation.queries=2"], output=path)
    return path


@pytest.fixture(scope="module")
def ferry(tmp_path_factory):
    """Of an environment in a file of the user's, which is gone."""
    pytest.importorskip("gymnasium")
    folder = tmp_path_factory.mktemp("ferry")
    for name in ("ferry.py", "ferry.toml"):
        shutil.copy(ROOT / "examples" / name, folder)
    settings = [part for each in SMALL for part in ("--set", each)]
    command = [sys.executable, "-m", "esmaml_mpi", "train", "ferry.toml", "--output", "run.h5", *settings]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    (folder / "ferry.py").unlink()
    return folder / "run.h5"


@pytest.mark.parametrize("family", ["quadruped", "ferry"])
def test_the_results_file_is_enough(family, request, tmp_path):
    results = request.getfixturevalue(family)
    command = [sys.executable, "-c", BLOCK + USE, results, tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "nothing else was needed" in done.stdout
    assert "cannot be loaded" in done.stderr  # the simulated task alone needs the family


def test_the_file_says_what_the_quadruped_says(quadruped):
    interface = esmaml_mpi.read_results(quadruped).interface
    assert interface == interface_of(make_family("quadruped", 3))
    assert (interface.observation_size, interface.action_size, interface.rate) == (14, 12, pytest.approx(100.0))
    assert interface.observation_names[:5] == (
        "roll (rad)", "pitch (rad)", "roll rate (rad/s)", "pitch rate (rad/s)", "front left hip angle (rad)",
    )  # fmt: skip
    assert interface.observation_names[-2:] == ("sine of phase", "cosine of phase")
    assert interface.action_names[1] == "front left knee (x 0.15 rad)" and interface.action_names[8] == "speed"
    assert interface.action_low == (-1.0,) * 12 and not interface.actions_scaled


def test_bounds_of_an_environment_are_in_the_file(ferry):
    interface = esmaml_mpi.read_results(ferry).interface
    assert interface.actions_scaled and len(interface.action_low) == interface.action_size
    assert all(low < high for low, high in zip(interface.action_low, interface.action_high, strict=True))


@pytest.mark.parametrize("hidden", [[], [5], [4, 3]])
@pytest.mark.parametrize("actions", [1, 2, 7])
def test_sizes_of_an_older_file_follow_from_its_parameters(hidden, actions):
    config = load({"policy": {"hidden": hidden}})
    size = make_policy(config, Interface(6, actions)).size
    assert inferred_interface(config, 6, size) == Interface(6, actions)
    assert inferred_interface(config, 6, size + 1) is None
    assert inferred_interface(config, 6, 1) is None


def test_a_run_in_memory_knows_its_interface():
    results = esmaml_mpi.train({"policy": {"hidden": []}, "task": {"horizon": 3}}, SMALL)
    assert results.interface == interface_of(make_family("four_corners"))
    assert np.shape(results.checkpoint["theta"]) == (6,)

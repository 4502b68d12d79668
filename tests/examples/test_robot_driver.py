"""The driver acts with all three formats as the meta-policy does, and never loads this package."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import esmaml_mpi
from esmaml_mpi.commands import main as cli

DRIVER = Path(__file__).parents[2] / "examples" / "robot_driver.py"
# As `python robot_driver.py FILE`, where there is no esmaml_mpi.
ALONE = "import runpy, sys; sys.modules['esmaml_mpi'] = None; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
SETTINGS = {
    "task": {"name": "cartpole_sensor_bias", "horizon": 10},
    "policy": {"hidden": [5]},
    "meta": {"iterations": 1, "perturbations": 4, "current_evaluations": 1},
    "test": {"repeats": 1},
}


@pytest.mark.parametrize("format", ["npz", "onnx", "c"])
@pytest.mark.parametrize("architecture", ["mlp", "gru"])
def test_it_acts(architecture, format, tmp_path):
    run, robot = tmp_path / "run.h5", tmp_path / f"my-robot.policy.{format}"
    results = esmaml_mpi.train(SETTINGS, [f"policy.architecture={architecture}"], output=run)
    assert cli.main(["export", str(run), "--policy", format, "--output", str(robot)]) == 0
    if format == "c":
        compiler = shutil.which("gcc") or shutil.which("clang")
        flags = ["-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, robot, "-o", robot.with_suffix(".so"), "-lm"], check=True)
        robot = robot.with_suffix(".so")
    observations = np.random.default_rng(1).normal(size=(20, 4))
    lines = [" ".join(map(repr, each)) + "\n" for each in observations.tolist()]
    typed = "".join([*lines[:7], "\n", *lines[7:]])  # an episode of 7 steps, and another
    call = [sys.executable, "-P", "-c", ALONE, DRIVER, robot]
    done = subprocess.run(call, input=typed, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    meta = esmaml_mpi.MetaPolicy(results)
    bound, expected = meta.bind(meta.theta), []
    for i, observation in enumerate(observations):
        if i == 7:
            bound.reset()
        expected.append(bound.act(observation))
    np.testing.assert_allclose(np.array(done.stdout.split(), dtype=float)[:, None], expected, rtol=1e-12)
    for bad in ("0.1", "1 2 3", "1 2 3 4 5", "nan 0 0 0"):
        done = subprocess.run(
            call, input=f"{lines[0]}{bad}\n", capture_output=True, text=True, cwd=tmp_path, timeout=60
        )
        assert done.returncode == 1 and f"{bad!r}: 4 finite numbers are wanted" in done.stderr
        assert len(done.stdout.splitlines()) == 1, "the robot is told of no action"

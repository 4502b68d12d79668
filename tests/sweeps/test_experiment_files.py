"""The files under configs/: every run of every size is valid, has the paper's constants, and is drawn."""

import fnmatch
import functools
import glob
import shlex
import tomllib
from pathlib import Path

import pytest

from esmaml_mpi.errors import UsageError
from esmaml_mpi.sweeps.plan import Sweep

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "configs").rglob("*.toml"))
SIZES = [(path, size) for path in FILES for size in ("paper", *tomllib.loads(path.read_text()).get("sizes", {}))]
EXPERIMENTS = [path for path, size in SIZES if size == "small"]
SAMPLED = ("pg_maml", "e_maml", "evo_maml")  # policies that act at random: the constants are ProMP's
BODIES = ("half_cheetah", "swimmer", "walker2d", "ant", "quadruped")


@functools.cache  # hundreds of configurations a file
def runs_of(path, size):
    text = path.read_text()
    if any(body in text for body in BODIES):
        pytest.importorskip("mujoco")
    return Sweep(path, size).runs()


def test_every_figure_of_the_paper_has_its_file():
    names = {path.stem for path in EXPERIMENTS}
    assert {f"figure_{number}" for number in ("1", "2", "3", "4", "5", "a1", "a2", "a3", "a4", "a5")} <= names
    assert {"hill_climbing_ant", "noisy_hill_climbing"} <= names


@pytest.mark.parametrize("path, size", SIZES, ids=lambda value: getattr(value, "stem", value))
def test_every_run_is_valid_and_drawn(path, size):
    runs, lines = runs_of(path, size), Sweep(path, size).draw
    assert path not in EXPERIMENTS or (lines and len({run.config.run.seed for run in runs}) >= 3)
    files = [f"{run.name}.h5" for run in runs]
    for line in lines:
        script, *words = shlex.split(line)
        assert (ROOT / "analysis" / script).is_file(), line
        for word in (word for word in words if word.endswith(".h5")):
            assert any(fnmatch.fnmatchcase(file, word) for file in files), f"{line}: no run is called {word}"
            assert glob.has_magic(word) or script in ("plot_run.py", "exploration.py")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_paper_size_has_the_papers_constants(path):
    for run in runs_of(path, "paper"):
        meta, adaptation = run.config.meta, run.config.adaptation
        if meta.algorithm in SAMPLED:
            assert (adaptation.step_size, run.config.policy.output) == (0.1, "identity")
            continue
        assert (adaptation.sigma, meta.step_size) == (0.1, 0.01)
        if meta.algorithm == "zero_order":
            evaluations = 40 if run.point in ("few_L", "few_H") else 150  # claim 7 is about fewer
            assert (meta.perturbations, meta.current_evaluations) == (evaluations, evaluations)
            assert (meta.optimizer, meta.estimator) == ("sgd", "forward_fd")
        if adaptation.operator == "es_gradient" and run.config.task.name != "sinusoid":
            assert (adaptation.step_size, adaptation.reward_normalization) == (0.05, "standardize")


def test_examples_of_single_runs_have_but_the_papers_size():
    with pytest.raises(UsageError, match=r"--size small.*Allowed: paper\."):
        Sweep(ROOT / "configs" / "four_corners.toml", "small")

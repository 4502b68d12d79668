"""What `bash jobs/local.sh` does by itself and says at its end, in a checkout that is installed already."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # trains, and draws

ROOT = Path(__file__).parents[2]
EXTRAS = "analysis,mpi,mujoco,gymnasium"
SMALL = "--set meta.iterations=2 --set meta.perturbations=4 --set test.repeats=1"
# One process in place of two; what asks whether two ranks see each other is told so.
MPIRUN = """#!/bin/bash
[ "$1" != --version ] || exit 0
while [ "$1" != -n ]; do shift; done
ranks=$2
shift 2
[ "$2" != -c ] || { echo 2; exit; }
echo "ranks: $ranks" >&2
exec "$@"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what the script needs, with an environment that is this one."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("jobs", "configs", "analysis"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    tools = root / ".venv" / "bin"
    tools.mkdir(parents=True)
    _write(tools / "python", f'#!/bin/bash\nexec "{sys.executable}" "$@"\n')
    small = f'case "$1" in train) set -- "$@" {SMALL} ;; esac'
    _write(tools / "esmaml", f'#!/bin/bash\n{small}\nexec "{sys.executable}" -m esmaml_mpi "$@"\n')
    (root / "bin").mkdir()
    _write(root / "bin" / "mpirun", MPIRUN)
    asked = ["bash", "-c", ". jobs/common.sh; installation"]
    installed = subprocess.run(asked, cwd=root, capture_output=True, check=True).stdout
    (root / ".venv" / f".installed-{EXTRAS}").write_bytes(installed)
    return root


def _write(path, text):
    path.write_text(text)
    path.chmod(0o755)


def _run(checkout, command, **options):
    path = os.pathsep.join(map(str, (checkout / ".venv" / "bin", checkout / "bin", os.environ["PATH"])))
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    options |= dict(cwd=checkout, env=environment, capture_output=True, text=True, timeout=300)
    done = subprocess.run(command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def first(checkout):
    """What it printed when it was run without arguments."""
    return _run(checkout, ["bash", "jobs/local.sh"])


def test_all_cores_train_the_first_run(first, checkout):
    assert f"ranks: {len(os.sched_getaffinity(0))}\n" in first.stderr
    assert "training four_corners_few_trials.toml" in first.stderr
    assert (checkout / "results" / "four_corners_few_trials.h5").is_file()


def test_it_ends_with_a_verdict_a_picture_and_three_commands_that_work(first, checkout):
    verdict, picture, _, *commands = first.stdout.splitlines()[-6:]
    assert re.fullmatch(
        r"results/four_corners_few_trials\.h5: 2 iterations done, test reward -\d+\.\d\d before and -\d+\.\d\d after "
        r"adaptation; the best possible is -40\.30",
        verdict,
    )
    assert picture == "picture: results/four_corners_few_trials.png"
    assert (checkout / "results" / "four_corners_few_trials.png").read_bytes().startswith(b"\x89PNG")
    assert len(commands) == 3 and all(line.startswith("  ") and "#" in line for line in commands)
    evaluate, info, paper = commands
    assert "the best possible mean is -40.30" in _run(checkout, evaluate, shell=True).stdout
    assert "complete, iteration 2 of 2" in _run(checkout, info, shell=True).stdout
    assert paper.split("#")[0].split() == ["bash", "jobs/local.sh", "configs/four_corners.toml"]


def test_a_run_that_is_done_says_the_same_again(first, checkout):
    assert _run(checkout, ["bash", "jobs/local.sh"]).stdout.splitlines()[-6:] == first.stdout.splitlines()[-6:]

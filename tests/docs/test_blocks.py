"""Every code block of README and docs is run as it stands there, in small, or says in a comment why it cannot be.

The blocks of a page are run in order, in a folder of the page's own in which the repository's are found.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from blocks import LANGUAGES, VERBS, blocks_of

from esmaml_mpi.config.loading import load
from esmaml_mpi.sweeps.plan import Sweep
from esmaml_mpi.tuning.plan import Plan

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
FOLDERS = ("analysis", "benchmarks", "configs", "docs", "examples", "jobs")  # copied: a block may write into them
SMALL = ("meta.iterations=2", "meta.perturbations=4", "meta.current_evaluations=1", "test.repeats=1")
LIMIT = 120  # seconds
NOT_LAUNCHED = "The PMIx server's listener thread failed to start"  # Open MPI, now and then, on a busy machine
HERE = ROOT / "tests" / "docs"
NOT_RUN = ("text", "math")
OWN = ("jobs/site.sh",)  # that a reader makes
PATHS = re.compile(r"(?:^|\s)((?:analysis|benchmarks|configs|examples|jobs|tests)/[\w/-][\w./-]*)")


@pytest.fixture
def folder(tmp_path):
    """A folder to work in, as if it were the repository."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shims = tmp_path / "bin"
    shims.mkdir()
    small = f"{shlex.quote(sys.executable)} -P {shlex.quote(str(HERE / 'small.py'))}"
    _shim(shims / "esmaml", f'exec {small} esmaml "$@"')
    _shim(
        shims / "python", f'case "$1" in -*) exec {shlex.quote(sys.executable)} "$@" ;; esac; exec {small} python "$@"'
    )
    for name in ("mpirun", "sbatch"):
        _shim(shims / name, f'exec bash {shlex.quote(str(HERE / name))}.sh "$@"')
    return tmp_path


def _launcher():
    given = os.environ.get("ESMAML_TEST_MPIRUN", "").split()
    return given[0] if given else str(Path(sys.executable).with_name("mpirun"))


def _shim(path, text):
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_are_well_formed(page):
    for block in blocks_of(page):
        assert block.language in LANGUAGES, f"{block}: the language of a block is wanted, one of {LANGUAGES}"
        assert block.verb in (None, *VERBS), f"{block}: no such verb: {block.verb}"
        assert block.language != "c" or block.verb == "file", f"{block}: the file that it is written to is wanted"
        if block.verb == "skip":
            assert len(block.rest.split()) >= 3, f"{block}: a reason is wanted"


RUN = [page for page in PAGES if any(block.language not in NOT_RUN for block in blocks_of(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(page, folder):
    for block in blocks_of(page):
        if block.language in NOT_RUN or block.verb == "skip":
            continue
        if block.verb == "file":
            (folder / block.rest).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.rest).write_text(block.text)
        elif block.language == "toml":
            _check_config(block, folder)
        else:
            _run(block, folder)


def _run(block, folder):
    more = block.rest.split() if block.verb == "small" else []
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_", "SLURM_"))},
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "SMALL": " ".join([*SMALL, *more]),
        "MPLBACKEND": "agg",
        "REAL_MPIRUN": _launcher(),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    if block.language == "python":
        (folder / "block.py").write_text(block.text)
        command = ["python", "block.py"]
    else:
        text = block.rest if block.verb == "as" else block.text
        command = ["bash", "-euo", "pipefail", "-c", text]
    options = dict(cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT)
    for _ in range(3):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, **options)
        if NOT_LAUNCHED not in done.stdout + done.stderr:
            break
    expected = int(block.rest) if block.verb == "exit" else 0
    assert done.returncode == expected, f"{block} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"


def _check_config(block, folder):
    """A part of a configuration, or of an experiment file, means something."""
    tables = tomllib.loads(block.text)
    if "tune" in tables:
        file = folder / "block.toml"
        file.write_text(block.text)
        Plan(file)
    elif "sweep" in tables:
        file = folder / "block.toml"
        file.write_text(block.text)
        Sweep(file).runs()
    else:
        load(tables).resolved()


def test_commands_stand_in_fences():
    for page in PAGES:
        hidden = re.findall(
            r"^(?: {4}|\t)(?:esmaml|python3?|bash|mpirun|srun|sbatch|pip) .*", page.read_text(), re.MULTILINE
        )
        fenced = "".join(block.text for block in blocks_of(page))
        assert not [line for line in hidden if line not in fenced], f"{page.name}: a fence is wanted, which is run"


def test_commands_in_running_text_name_files_that_exist():
    for page in PAGES:
        for command in re.findall(r"`([^`\n]+)`", page.read_text()):
            for path in PATHS.findall(command):
                assert path in OWN or (ROOT / path).exists(), (
                    f"{page.name}: `{command}` names {path}, which does not exist"
                )

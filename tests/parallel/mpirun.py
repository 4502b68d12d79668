"""Running things under a real mpirun, as a user would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# A small run with everything in it: tests on some iterations, statistics, more than one block of work.
SMALL = {
    "run.name": "small",
    "meta.iterations": 4,
    "meta.perturbations": 12,
    "meta.current_evaluations": 7,
    "policy.hidden": [8],
    "adaptation.queries": 6,
    "test.every": 2,
    "test.repeats": 2,
    "checkpoint.every": 1,
}
# Open MPI 5: a dead rank does not end the job.
FAULT_TOLERANCE = ("--with-ft", "ulfm")
NAVIGATION = {**SMALL, "task.name": "navigation_2d", "task.train_size": 9, "task.batch_size": 2, "task.test_size": 3}


def launcher() -> list[str]:
    """The mpirun command, from tests/run.sh or from PATH, without fault tolerance; there is no test without one."""
    command = os.environ.get("ESMAML_TEST_MPIRUN", "").replace(" ".join(FAULT_TOLERANCE), "").split()
    if command:
        return command
    found = shutil.which("mpirun") or str(Path(sys.executable).with_name("mpirun"))
    assert os.path.exists(found), "no mpirun: use tests/run.sh, which installs one"
    return [found, "--oversubscribe", "--bind-to", "none"]


def can_survive() -> bool:
    """Whether this mpirun can be asked to survive the death of a rank."""
    return run([*launcher(), *FAULT_TOLERANCE, "-n", "2", "true"]).returncode == 0


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without traces of a launcher, as root allowed to start one."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_", "PMIX_", "PMI_", "PRTE_", "SLURM_"))}
    if os.getuid() == 0:
        clean |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return clean | extra


def train_arguments(settings: dict, output: Path, *options: str) -> list[str]:
    """``esmaml train`` of these settings; the file given is an empty configuration."""
    config = output.with_suffix(".toml")
    config.write_text("")
    sets = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    return [sys.executable, "-m", "esmaml_mpi", "train", str(config), *sets, "--output", str(output), *options]


LAUNCHES = 3
NOT_LAUNCHED = "The PMIx server's listener thread failed to start"  # Open MPI, now and then, on a busy machine


def run(
    command: list[str], ranks: int | None = None, timeout: float = 120, **environ: str
) -> subprocess.CompletedProcess:
    """Run a command, under mpirun if ``ranks`` is given."""
    if ranks is not None:
        command = [*launcher(), "-n", str(ranks), *command]
    for _ in range(LAUNCHES):
        done = subprocess.run(
            command,
            env=environment(**environ),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        if NOT_LAUNCHED not in done.stdout + done.stderr:  # else none of our processes was started
            break
    return done


def start(command: list[str], ranks: int | None = None, *options: str) -> subprocess.Popen:
    """Start a command, under mpirun with ``options`` if ``ranks`` is given, and return at once."""
    if ranks is not None:
        command = [*launcher(), *options, "-n", str(ranks), *command]
    return subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def ranks_of(pid: int) -> list[int]:
    """Process ids of the ranks below a process, in order of their start."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop(0)
        try:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                waiting += [int(child) for child in task.read_text().split()]
            if parent != pid and "esmaml_mpi" in Path(f"/proc/{parent}/cmdline").read_text().split("\0"):
                found.append(parent)
        except OSError:  # ended while we looked
            continue
    return sorted(found)

"""What Slurm says of jobs, and what it is told to do: the only place that calls its commands."""

import subprocess
from collections.abc import Sequence

from esmaml_mpi.errors import UsageError, UserError

SECONDS = 60.0  # that a command of Slurm may take
ALONE = -1  # in place of an array's index: of a job that is no array
DEFAULT_LIMIT = 1001  # MaxArraySize where Slurm does not say: Slurm's own default


def array_limit() -> int:
    """How many indices an array may have here: MaxArraySize, which is above the highest index."""
    for line in _said(["scontrol", "show", "config"]).splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "MaxArraySize" and value.strip().isdigit():
            return int(value)
    return DEFAULT_LIMIT


def queued(name: str) -> dict[int, str]:
    """State by array index, or ALONE, of the user's jobs of this name that wait or run."""
    return _states(_said(_squeue(name)))


def ended(name: str) -> dict[int, str]:
    """How jobs of this name have ended, the latest of each index: in the last month, or where nobody keeps account, as
    far back as Slurm's controller remembers (MinJobAge, some minutes), which forgets indices that never started.
    """
    command = ["sacct", "--noheader", "--parsable2", "--allocations", "--array", f"--name={name}"]
    try:
        text = _said([*command, "--starttime=now-30days", "--format=JobID,State"])
    except UserError:
        return _states(_said([*_squeue(name), "--states=all", "--sort=i"]))
    found = {}
    for line in text.splitlines():
        job, _, state = line.partition("|")
        index = job.partition("_")[2]
        found[int(index) if index.isdigit() else ALONE] = state.split()[0] if state.split() else "?"
    return found


def submit(command: Sequence[str]) -> str:
    """Submit; returns the job's id."""
    return _said(command).strip().partition(";")[0]


def ranges(indices: list[int]) -> str:
    """As "0-4,7" for 0, 1, 2, 3, 4, 7."""
    parts: list[list[int]] = []
    for index in indices:
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _squeue(name: str) -> list[str]:
    return ["squeue", "--me", "--noheader", "--array", f"--name={name}", "--format=%K %T"]


def _states(text: str) -> dict[int, str]:
    found = {}
    for line in text.splitlines():
        index, _, state = line.strip().partition(" ")
        found[int(index) if index.isdigit() else ALONE] = state
    return found


def _said(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    except FileNotFoundError:
        raise UsageError(
            f"there is no {command[0]} here: this is to be done where Slurm is, on a login node."
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]} has not answered for {SECONDS:g} s: is Slurm's controller up?") from None
    if done.returncode:
        raise UserError(f"{command[0]} failed: {' '.join(done.stderr.split()) or f'exit code {done.returncode}'}")
    return done.stdout

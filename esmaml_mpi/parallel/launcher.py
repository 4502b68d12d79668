"""Open MPI's program that started this rank and the others of its node, found among the processes above it (Linux)."""

import os
import signal
from contextlib import suppress

NAMES = ("prterun", "prted", "mpirun", "mpiexec", "orterun", "orted")  # on the first node, on others, before version 5
HIGHEST = 8  # levels to look up: a rank may have been started through shells and tools
# What ranks of one job have in common in their environment, and no other process below the launcher has.
JOB = ("PMIX_NAMESPACE", "OMPI_COMM_WORLD_SIZE")


def launcher() -> int | None:
    """The launcher's process id; None where there is none that can be told from other programs, as under srun."""
    pid = os.getppid()
    for _ in range(HIGHEST):
        if _name(pid) in NAMES:
            return pid
        pid = _parent(pid)
        if pid <= 1:
            break
    return None


def ranks_here() -> int | None:
    """How many ranks the launcher was to start on this node, if it says so."""
    number = os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE", "")
    return int(number) if number.isdigit() else None


def ranks_alive(launcher: int) -> int:
    """How many of the ranks that it started on this node there are now."""
    return sum(map(is_rank, _children(launcher)))


def ranks_stopped(launcher: int) -> list[tuple[str, int]]:
    """Rank and process id of those of its ranks on this node that are stopped, as by SIGSTOP."""
    stopped = [pid for pid in _children(launcher) if _state(pid) in ("T", "t") and is_rank(pid)]
    return [(_variable(pid, "OMPI_COMM_WORLD_RANK"), pid) for pid in stopped]


def can_count(launcher: int) -> bool:
    """Whether ``ranks_alive`` sees this rank, or what it was started through.

    Containers start ranks with environments that the launcher's own children do not have, and not every kernel tells
    whose children there are.
    """
    pid = os.getpid()
    while (above := _parent(pid)) not in (launcher, 0):
        pid = above
    return pid in _children(launcher) and is_rank(pid)


def is_rank(pid: int) -> bool:
    """Whether a process lives, and was started as a rank of this job."""
    key = next((name for name in JOB if name in os.environ), JOB[-1])
    mark = f"{key}={os.environ.get(key, '')}".encode()
    try:
        return mark in _read(f"/proc/{pid}/environ").split(b"\0")  # of one that has ended it is empty
    except OSError:
        return False


def end_job(launcher: int) -> None:
    """Have the launcher end all ranks of the job, on all nodes."""
    os.kill(launcher, signal.SIGTERM)


def _name(pid: int) -> str:
    try:
        return _read(f"/proc/{pid}/comm").decode().strip()
    except OSError:
        return ""


def _variable(pid: int, name: str) -> str:
    """Of a process's environment; "?" if it cannot be read."""
    try:
        entries = _read(f"/proc/{pid}/environ").split(b"\0")
    except OSError:
        entries = []
    start = f"{name}=".encode()
    return next((entry[len(start) :].decode() for entry in entries if entry.startswith(start)), "?")


def _state(pid: int) -> str:
    try:
        return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[0].decode()
    except (OSError, IndexError):
        return ""


def _parent(pid: int) -> int:
    try:
        return int(_read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # not by pathlib, which a worker does without
        return file.read()

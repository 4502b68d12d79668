"""The nodes that nodes.sh makes, from Python: processes there, their cables, and mpirun over them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEEPALIVE = HERE.parents[1] / "jobs" / "keepalive.sh"


class Unavailable(Exception):
    """There can be no nodes here; the text says why."""


class Nodes:
    """``count`` nodes n1, n2, ... with files in ``folder``; a context that removes them and all that runs there."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.names = folder, [f"n{k}" for k in range(1, count + 1)]

    def __enter__(self) -> "Nodes":
        try:
            made = self._script("up", str(len(self.names)))
        except BaseException:  # a signal
            self._script("down")
            raise
        if made.returncode == 77:
            raise Unavailable(made.stdout.strip())
        if made.returncode != 0:
            raise RuntimeError(made.stdout + made.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        self._script("down")

    def plug(self, node: str, state: str) -> None:
        """``up`` or ``down``: its cable."""
        assert self._script("link", node, state).returncode == 0

    def pids(self, node: str) -> list[int]:
        """All processes on a node."""
        return [int(pid) for pid in self._script("pids", node).stdout.split()]

    def clear(self) -> None:
        """End what is left on any node, and plug all cables in."""
        for node in self.names:
            self.plug(node, "up")
            for pid in self.pids(node):
                end(pid)

    def mpirun(self, names: list[str], ranks: int, options: list[str], command: list[str], log: Path, settings: bool):
        """Start ``command`` on ``ranks`` ranks, as many on each of these nodes; ``settings``: those of jobs/."""
        each = -(-ranks // len(names))
        run = [str(Path(sys.prefix, "bin", "mpirun")), "--host", ",".join(f"{name}:{each}" for name in names)]
        run += ["--prtemca", "plm_ssh_agent", str(HERE / "agent.sh"), "--bind-to", "none", *options, "-n", str(ranks)]
        enter = ["bash", str(HERE / "nodes.sh"), "enter", str(self.folder), names[0]]
        with open(log, "ab") as out:
            return subprocess.Popen(
                [
                    *enter,
                    "bash",
                    "-c",
                    f'. "{KEEPALIVE}" && exec "$@"' if settings else 'exec "$@"',
                    "sh",
                    *run,
                    *command,
                ],
                env=environment(self.folder),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _script(self, *words: str) -> subprocess.CompletedProcess:
        command = ["bash", str(HERE / "nodes.sh"), words[0], str(self.folder), *words[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def environment(folder: Path) -> dict[str, str]:
    """What a shell of an outer job does not decide."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "OMPI_MCA", "PRTE_", "PMI"))
    }
    path = f"{Path(sys.prefix, 'bin')}:{os.environ['PATH']}"
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**kept, **root, "PATH": path, "ESMAML_NODES": str(folder)}


def rank_of(pid: int) -> int | None:
    """Which rank a process is; None of one that is none."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
    found = [each.partition(b"=")[2] for each in variables if each.startswith(b"OMPI_COMM_WORLD_RANK=")]
    return int(found[0]) if found and name not in ("prted", "prterun", "mpirun") else None


def is_daemon(pid: int) -> bool:
    """Whether it is Open MPI's daemon of a node."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "prted"
    except OSError:
        return False


def end(pid: int, by: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended already."""
    try:
        os.kill(pid, by)
    except ProcessLookupError:
        pass

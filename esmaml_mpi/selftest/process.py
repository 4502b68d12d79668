"""Commands that a check runs: with a time limit, and without any of their processes left behind."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIMIT = 120.0  # seconds for one command
GRACE = 5.0  # seconds that a launcher has to end its ranks


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code and what it said, standard output and errors in one."""

    code: int
    output: str


def esmaml(*arguments: str) -> list[str]:
    """A command of this installation's esmaml."""
    return [sys.executable, "-m", "esmaml_mpi", *arguments]


def environment(scratch: Path) -> dict[str, str]:
    """This process's environment, with what libraries write on the side going to ``scratch`` or nowhere."""
    return {**os.environ, "MPLBACKEND": "agg", "MPLCONFIGDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}


def run(command: list[str], folder: Path, variables: dict[str, str], limit: float = LIMIT) -> Done:
    """Run a command to its end, or to its time limit, in ``folder``."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return Done(126, f"{command[0]}: {error.strerror or error}")
    try:
        output, _ = process.communicate(timeout=limit)
        return Done(process.returncode, output)
    except subprocess.TimeoutExpired:
        return Done(124, f"{_end(process)}\nnot done after {limit:g} s")
    except BaseException:  # Ctrl-C
        _end(process)
        raise


def _end(process: subprocess.Popen[str]) -> str:
    """End a command and all that it has started; returns what it had said."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=GRACE)[0]
    return ""
